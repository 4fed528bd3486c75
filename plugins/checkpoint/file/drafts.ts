/**
 * Where files are written until they are whole: a folder for each holder of the lease. When that is taken away, nothing
 * can be renamed out of it any more.
 */
import { randomUUID } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileNameOf } from "../../../core/host/file-name.ts";
import type { Holder } from "../../../core/plugin/roles.ts";

const DRAFTS = "drafts.";
/** Such folders that were taken away. */
const GONE = "gone.";
/** What older versions, and who has no lease, write beside them. */
const DRAFT = ".new";

/** See the top of the file. */
export interface Drafts {
  /** A holder's folder, whether it is there or not. */
  of(holder: Holder): string;
  /** The folders that are there but for a holder's own. */
  others(ours: Holder): Promise<string[]>;
  /** Takes a folder away in one step, whatever is in it and being written there. */
  discard(drafts: string): Promise<void>;
  /** Removes what was taken away as well as can be: on some disks an open file stays until it is closed. */
  removeGone(): Promise<void>;
  /** Removes the drafts of killed processes that are in no such folder. */
  removeLeft(): Promise<void>;
}

/** The drafts beside a migration's states. */
export function draftsIn(folder: string): Drafts {
  const of = ({ token }: Holder): string => join(folder, `${DRAFTS}${fileNameOf(token)}`);

  async function remove(isToGo: (name: string) => boolean): Promise<void> {
    for (const name of (await namesIn(folder)).filter(isToGo)) {
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
    }
  }

  return {
    of,

    async others(ours) {
      const names = (await namesIn(folder)).filter((name) => name.startsWith(DRAFTS));
      return names.map((name) => join(folder, name)).filter((drafts) => drafts !== of(ours));
    },

    discard: (drafts) =>
      rename(drafts, join(folder, `${GONE}${randomUUID()}`)).catch(async (error: NodeJS.ErrnoException) => {
        // Windows renames no folder with an open file in it.
        if (error.code !== "ENOENT") await rm(drafts, { recursive: true, force: true, maxRetries: 10 });
      }),

    removeGone: () => remove((name) => name.startsWith(GONE)),
    removeLeft: () => remove((name) => name.endsWith(DRAFT)),
  };
}

/** What is in a folder; nothing is in one that isn't there. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
