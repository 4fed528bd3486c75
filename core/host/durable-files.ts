/** The spool's files: what is made or removed is on the disk, and what the system refuses has words. */
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { MigrationError } from "../errors.ts";

/** For who runs the tool only: items are in it. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

const FULL = "the disk is full";
const WORDS: Record<string, string> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: "the file system takes no larger file",
  EIO: "the disk fails",
};

/**
 * Does something with the spool's files; what fails is SPOOL_FAILED.
 *
 * @param what it in words, for example "writing to ./nimo-shake-spool/a.log"
 */
export async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof MigrationError || typeof code !== "string") throw error;
    throw new MigrationError("SPOOL_FAILED", `${WORDS[code] ?? message}: ${what}`, {
      cause: error,
      hint: "make room, or move the spool's folder to another disk and set increase.persist.dir; then start again",
    });
  }
}

/** The error for a file that isn't what was written. */
export function corrupt(path: string, at: number, what = "a record's checksum is wrong"): MigrationError {
  return new MigrationError("SPOOL_FAILED", `${what}: spool ${path}, byte ${at}`, {
    hint: "delete the spool and start over with --fresh; what is younger than 24 h is still in the stream",
  });
}

/** Opens a file for as long as it is used; one made anew has its name on the disk. */
export async function withFile<T>(
  path: string,
  flags: "r" | "r+" | "wx",
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, FILE_MODE);
  try {
    const given = await use(file);
    if (flags === "wx") await syncFolder(dirname(path));
    return given;
  } finally {
    await file.close();
  }
}

/** Writes all of the bytes at an offset and makes them last. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    // One call may write less.
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
  await file.datasync();
}

/** Reads so many bytes from an offset, or what there is. */
export async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; ;) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done);
    done += bytesRead;
    if (bytesRead === 0 || done === length) return bytes.subarray(0, done);
  }
}

/** Makes a folder and those above it last. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Removes a file for good; one that isn't there is no error. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/** Makes what was made or removed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const file = await open(folder, "r");
    await file.sync().finally(() => file.close());
  } catch (error) {
    if (!UNSYNCED.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Not every system lets a folder be opened or synced, and one that isn't there has nothing to sync. */
const UNSYNCED = new Set(["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOENT", "ENOTSUP", "EPERM"]);
