/** A file of states: JSON lines, replaced as a whole, so that whoever reads it sees the old states or the new ones. */
import { existsSync } from "node:fs";
import { type FileHandle, lstat, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { MigrationError } from "../../../core/errors.ts";
import { readAll, syncFolder, withFile } from "../../../core/host/durable-files.ts";
import type { Kept } from "../../../core/plugin/roles.ts";
import { namesIn } from "./drafts.ts";
import type { States } from "../_queue.ts";

/** The first line's version. */
const VERSION = 1;
/** How such a file's name ends. */
export const SUFFIX = ".jsonl";

/** What a file says of itself: whose states it has. */
export interface Owner {
  id: string;
  name: string;
}

/**
 * Reads a file's states; one that isn't there has none.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH when it isn't such a file, CHECKPOINT_FAILED when it can't be read
 */
export async function readStates(path: string, owner: Owner): Promise<States> {
  const text = await attempt(path, async () => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      if ((await lstat(path).catch(ignoreMissing)) === undefined) return undefined;
      // Saved for the first time since; or it is a link whose disk isn't mounted, and the states behind it are there.
      return readFile(path, "utf8");
    }
  });
  if (text === undefined) return new Map();
  try {
    return parseStates(text, owner);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** More than a first line has: a name is a table's, with a word in front. */
const HEAD = 16 * 1024;

/**
 * The names of an id whose states are in a folder, and when each file was written; a folder that isn't there has none.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH or CHECKPOINT_FAILED
 */
export async function listStates(folder: string, id: string): Promise<Kept[]> {
  const kept: Kept[] = [];
  for (const file of await attempt(folder, () => namesIn(folder))) {
    if (!file.endsWith(SUFFIX)) continue;
    const path = join(folder, file);
    const found = await attempt(path, () =>
      withFile(path, "r", async (handle) => {
        const head = Buffer.alloc(HEAD);
        const length = await readAll(handle, head, 0);
        return { line: head.toString("utf8", 0, length).split("\n", 1)[0]!, stat: await handle.stat() };
      }).catch((error: NodeJS.ErrnoException) => {
        // Removed since the folder was read.
        if (error.code === "ENOENT") return undefined;
        throw error;
      }),
    );
    if (found === undefined) continue;
    try {
      const head = parseObject(found.line, 0);
      checkHead(head, { id });
      kept.push({ name: String(head["name"]), savedAt: found.stat.mtimeMs });
    } catch (error) {
      throw unreadable(path, error);
    }
  }
  return kept;
}

/** The error for a file that can't be understood. */
export function unreadable(path: string, error: unknown): MigrationError {
  return new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the checkpoint can't be understood, ${(error as Error).message}: ${path}`,
    { cause: error, hint: "mend the file, and take crc32 out of its first line, or start over with --fresh" },
  );
}

/**
 * Replaces a file's states; when it resolves they are on the disk.
 *
 * @param draft where they are written first
 * @throws MigrationError CHECKPOINT_FAILED
 */
export async function writeStates(
  path: string,
  draft: string,
  { id, name }: Owner,
  states: States,
): Promise<void> {
  const lines = [...states].map(([part, state]) => `{"part":${JSON.stringify(part)},"state":${state}}`);
  const parts = lines.join("\n");
  const head = JSON.stringify({ "nimo-shake": VERSION, id, name, crc32: checksum(parts) });
  await attempt(path, async () => {
    await writeSynced(draft, parts === "" ? `${head}\n` : `${head}\n${parts}\n`);
    await rename(draft, path);
    await syncFolder(dirname(path));
  });
}

/** Writes a file; when it resolves its contents are on the disk. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const write = async (file: FileHandle): Promise<void> => {
    await file.writeFile(text);
    await file.sync();
  };
  await withFile(path, "w", write);
}

/**
 * Removes a file for good.
 *
 * @param draft where it is put first, as what is written
 */
export async function removeFile(path: string, draft: string): Promise<void> {
  await attempt(path, async () => {
    await rename(path, draft).catch((error: NodeJS.ErrnoException) => {
      // Either it isn't there, or the draft's folder is gone.
      if (error.code !== "ENOENT" || existsSync(path)) throw error;
    });
    await rm(draft, { force: true });
    await syncFolder(dirname(path));
  });
}

/** Of the lines behind the first: one that is gone, or a wrong bit in a position, would pass for a right state. */
function checksum(parts: string): string {
  return crc32(parts).toString(16).padStart(8, "0");
}

function parseStates(text: string, owner: Owner): States {
  const whole = text.trimEnd();
  const [head, ...lines] = whole.split("\n").map(parseObject);
  checkHead(head, owner);
  const headEnd = whole.indexOf("\n");
  const found = checksum(headEnd < 0 ? "" : whole.slice(headEnd + 1));
  // Who mends a file by hand takes it out, and older versions had none.
  if (head!["crc32"] !== undefined && head!["crc32"] !== found) {
    throw new SyntaxError("its lines aren't those that were saved, by the crc32 in the first one");
  }
  return new Map(
    lines.map(({ part, state }, i) => {
      if (typeof part !== "string" || state === undefined)
        throw new SyntaxError(`line ${i + 2} is incomplete`);
      return [part, JSON.stringify(state)];
    }),
  );
}

/** Throws when a first line isn't that of these states. */
function checkHead(head: Record<string, unknown> | undefined, owner: Partial<Owner>): void {
  if (head?.["nimo-shake"] !== VERSION) throw new SyntaxError("its first line isn't that of version 1");
  for (const [key, mine] of Object.entries(owner)) {
    const whose = head[key];
    if (whose !== mine) throw new SyntaxError(`it has the ${key} ${String(whose)}, not ${mine}`);
  }
}

/** A line of JSON that holds an object; `i` is its number from 0. */
export function parseObject(line: string, i: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new SyntaxError(`line ${i + 1} is no JSON`, { cause });
  }
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new SyntaxError(`line ${i + 1} is no JSON object`);
}

/** Of what may not be there. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}

/** Does something with a file; what fails is the checkpoint's failure. */
export async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new MigrationError("CHECKPOINT_FAILED", `${(error as Error).message}: checkpoint ${path}`, {
      cause: error,
      hint: "see that the folder can be written to and its disk has room, or set checkpoint.address to another",
    });
  }
}
