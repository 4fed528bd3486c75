/** NimoShake's checkpoint files: a JSON line a shard, and the status as one JSON object without a line's end. */
import { readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, readAll, syncFolder, withFile } from "../../../core/host/durable-files.ts";
import { fileNameOf } from "../../../core/host/file-name.ts";
import { STATUS, STATUS_TABLE, originalName, statusDocument } from "../_nimoshake.ts";
import { isRow, othersThere, rowField } from "../_others.ts";
import type { States } from "../_queue.ts";
import { attempt, ignoreMissing, parseObject, removeFile, unreadable, writeSynced } from "./state-file.ts";

/** What {@link originalFiles} gives. */
export interface OriginalFiles {
  read(name: string): Promise<States>;
  write(name: string, states: States): Promise<void>;
  /** Unless somebody else has a file of that name. */
  remove(name: string): Promise<void>;
  /** Whether somebody else has a file under a name. */
  hasOthers(name: string): Promise<boolean>;
  /**
   * Refuses a file of somebody else under a name.
   *
   * @throws MigrationError CHECKPOINT_MISMATCH
   */
  refuseOthers(name: string): Promise<void>;
}

/**
 * NimoShake's files.
 *
 * @param folder where they are; NimoShake takes every file there for one of its own
 * @param draft where a file of a name is written first, in a folder of ours on the same disk
 */
export function originalFiles(folder: string, draft: (name: string) => string): OriginalFiles {
  const pathOf = (name: string): string => join(folder, fileOf(name));
  const draftOf = (name: string): string => draft(`${fileNameOf(fileOf(name))}.original.new`);

  async function refuseOthers(name: string): Promise<void> {
    if (await isOthers(pathOf(name), name))
      throw othersThere(pathOf(name), "set checkpoint.address to a folder that nobody else uses");
  }

  return {
    hasOthers: (name) => isOthers(pathOf(name), name),

    refuseOthers,

    read: (name) => readOriginal(folder, name),

    async write(name, states) {
      // The status is all of its file, and a file without it is none.
      if (name === STATUS && states.size === 0) return removeFile(pathOf(name), draftOf(name));
      const path = pathOf(name);
      const next = draftOf(name);
      const text =
        name === STATUS
          ? JSON.stringify(statusDocument(JSON.parse(states.get(STATUS)!)))
          : [...states.values()].map((row) => `${row}\n`).join("");
      await attempt(path, async () => {
        await makeFolder(folder);
        await writeSynced(next, text);
        await rename(next, path);
        await syncFolder(dirname(path));
      });
    },

    async remove(name) {
      await refuseOthers(name);
      await removeFile(pathOf(name), draftOf(name));
    },
  };
}

/** The file that a name is kept in. */
function fileOf(name: string): string {
  const original = originalName(name)!;
  return original === "status" ? STATUS_TABLE : original.table;
}

/** What begins a row, as both tools write it, or the status. */
const BEGINS = { ShardId: '{"ShardId":', Key: '{"Key":' } as const;
const HEAD = 64 * 1024;

/** Whether there is something under a name whose first line is no row; one that was torn off within it is one. */
export async function isOthers(path: string, name: string): Promise<boolean> {
  const head = await attempt(path, async () => {
    const found = await stat(path).catch(ignoreMissing);
    if (found === undefined) return "";
    if (!found.isFile()) return undefined;
    return withFile(path, "r", async (handle) => {
      const bytes = Buffer.alloc(HEAD);
      return bytes.toString("utf8", 0, await readAll(handle, bytes, 0));
    });
  });
  if (head === undefined) return true;
  const [line] = head.split("\n", 1) as [string];
  try {
    return head !== "" && !isRow(name, parseObject(line, 0));
  } catch {
    const begin = BEGINS[rowField(name)];
    return line !== head || !(line.startsWith(begin) || begin.startsWith(line));
  }
}

/** What is kept under a name in NimoShake's folder; of a file that isn't there nothing. */
export async function readOriginal(folder: string, name: string): Promise<States> {
  const path = join(folder, fileOf(name));
  const text = await attempt(path, () =>
    readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    }),
  );
  try {
    return name === STATUS ? parseStatus(text) : parseRows(text);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A last line without its end was being written when NimoShake stopped; it ignores it, too. */
function parseRows(text: string): States {
  const lines = text.split("\n").slice(0, -1);
  return new Map(lines.map((line, i) => [String(parseObject(line, i)["ShardId"]), line]));
}

function parseStatus(text: string): States {
  if (text === "") return new Map();
  const { StatusValue } = parseObject(text, 0);
  return new Map([[STATUS, JSON.stringify(StatusValue)]]);
}
