/** The target's files beyond what every file that lasts needs, and words for what the system refuses. */
import { rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type ErrorCode, MigrationError } from "../../../core/errors.ts";
import { syncFolder, withFile } from "../../../core/host/durable-files.ts";

const FULL = [
  "TARGET_FAILED",
  "the disk is full",
  "make room, then start again: it goes on from there",
] as const;
const DENIED = ["TARGET_DENIED", "", "see that the folder target.address can be written to"] as const;
const AWAY = ["TARGET_UNREACHABLE", "", "see that target.address is a folder, or can be made one"] as const;

/** The system's error codes, what they are to us, in which words, and what the user can do. */
const CODES: Record<string, readonly [ErrorCode, words: string, hint: string]> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: [
    "TARGET_FAILED",
    "the file system takes no larger file",
    "set target.address to a folder on another disk",
  ],
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  ENOTDIR: AWAY,
  ENOENT: AWAY,
  ENAMETOOLONG: AWAY,
  ELOOP: AWAY,
};

/**
 * Translates what a call to the file system threw.
 *
 * @param what the call in words, for example "writing to ./dump/orders.0.bson.part"
 */
export function fileError(error: unknown, what: string): unknown {
  const { code: system, message } = error as NodeJS.ErrnoException;
  if (error instanceof MigrationError || typeof system !== "string") return error;
  const [code, words, hint] = CODES[system] ?? [
    "TARGET_FAILED",
    "",
    "see whether the disk is well, then start again",
  ];
  return new MigrationError(code, `${words || message}: ${what}`, { cause: error, hint });
}

/** Whether there is anything of this name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether an error says that a file, or a folder above it, isn't there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** Makes a text's file; it is on the disk, its name may not be yet. */
export async function writeText(path: string, text: string): Promise<void> {
  await withFile(path, "w", async (file) => {
    await file.writeFile(text);
    await file.sync();
  });
}

/** Renames a file for good. */
export async function renameFile(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Removes files for good, one after the other; those that aren't there are no error. */
export async function removeFiles(folder: string, paths: string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true });
  await syncFolder(folder);
}
