/**
 * The lease as a file in the folder of the states. Times are those that the folder's disk gives, which processes on
 * several hosts may share. Who has it writes what is to be saved into a folder of its own first: that is removed before
 * the lease is taken away, and then nothing can be renamed out of it any more, however long its process was paused.
 */
import { randomUUID } from "node:crypto";
import { link, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileNameOf } from "../../../core/host/file-name.ts";
import { leaseLost } from "../../../core/plugin/lease-lost.ts";
import type { Holder, Holding, LeaseKeeper } from "../../../core/plugin/roles.ts";
import { attempt, makeFolder } from "./state-file.ts";

const FILE_MODE = 0o600;
const NAME = "lease";

/** What is found in the file. */
interface Found extends Holding {
  text: string;
  renewedAt: number;
}

/** The lease of the migration `id`, in its folder. */
export interface FileLease extends LeaseKeeper {
  /**
   * Throws when who has claimed it here has it no more.
   *
   * @throws MigrationError ALREADY_RUNNING
   */
  check(): Promise<void>;
  /** Where a file of this name is written until it is whole. Fails in the end when the lease is another's. */
  draft(name: string): string;
}

/** See the top of the file. */
export function fileLease(folder: string, id: string): FileLease {
  const path = join(folder, NAME);
  const draftsOf = ({ token }: Holder): string => join(folder, `drafts.${fileNameOf(token)}`);
  /** Who may save; undefined: anybody. */
  let claimed: Holder | undefined;

  /** Works with a file that has this text and the disk's time of now. */
  async function withDraft<T>(text: string, work: (draft: string, now: number) => Promise<T>): Promise<T> {
    const draft = `${path}.${randomUUID()}`;
    await makeFolder(dirname(path));
    try {
      await writeFile(draft, text, { flag: "wx", mode: FILE_MODE });
      return await work(draft, (await stat(draft)).mtimeMs);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** What is there; undefined: nothing. */
  async function find(now: number, at: string = path): Promise<Found | undefined> {
    try {
      const text = await readFile(at, "utf8");
      const renewedAt = (await stat(at)).mtimeMs;
      return { text, renewedAt, holder: parse(text), age: Math.max(0, now - renewedAt) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Of two that found the same old lease the slower one must not take away the other's new one. */
  async function takeAway({ text, renewedAt }: Found): Promise<void> {
    const aside = `${path}.${randomUUID()}`;
    await rename(path, aside).catch(ignoreMissing);
    const moved = await find(0, aside);
    if (moved !== undefined && (moved.text !== text || moved.renewedAt !== renewedAt))
      await place(aside, path);
    await rm(aside, { force: true });
  }

  const removeDrafts = (of: Holder): Promise<void> => rm(draftsOf(of), { recursive: true, force: true });

  async function claim(ours: Holder, { ttl, over }: { ttl: number; over?: string }): Promise<Holding> {
    return withDraft(JSON.stringify(ours), async (draft, now) => {
      while (!(await place(draft, path))) {
        const found = await find(now);
        if (found === undefined) continue;
        const { token } = found.holder;
        if (token === ours.token || (token !== over && found.age <= ttl)) return found;
        await removeDrafts(found.holder);
        await takeAway(found);
      }
      return { holder: ours, age: 0 };
    });
  }

  async function renew(ours: Holder): Promise<Holding | undefined> {
    // Through the file itself, not its name: another one of that name is left alone.
    const handle = await open(path, "r+").catch(ignoreMissing);
    if (handle === undefined) return undefined;
    try {
      const text = await handle.readFile("utf8");
      if (parse(text).token === ours.token) await handle.write(text, 0);
    } finally {
      await handle.close();
    }
    return find(Date.now());
  }

  return {
    claim: (ours, options) =>
      attempt(path, async () => {
        // Before the lease is had, so that whoever takes it away finds them.
        await makeFolder(draftsOf(ours));
        const found = await claim(ours, options);
        if (found.holder.token === ours.token) claimed = ours;
        else await removeDrafts(ours);
        return found;
      }),

    renew: (ours) => attempt(path, () => renew(ours)),

    release: (ours) =>
      attempt(path, async () => {
        await removeDrafts(ours);
        const found = await find(0);
        if (found?.holder.token === ours.token) await rm(path, { force: true });
      }),

    async check() {
      if (claimed === undefined) return;
      const found = await attempt(path, () => find(0));
      if (found?.holder.token !== claimed?.token) throw leaseLost(id, found?.holder);
    },

    draft: (name) => join(claimed === undefined ? folder : draftsOf(claimed), name),
  };
}

/** Whether a file got a second name; somebody else may have it. */
async function place(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      // Some file systems have no links.
      await writeFile(path, await readFile(draft), { flag: "wx", mode: FILE_MODE });
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function parse(text: string): Holder {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    // Half written on a disk without links, or mended by hand: nobody's, once it is old enough.
    return { token: text, host: "", system: "", pid: 0, since: "" };
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
