/**
 * Files that last: what is made, renamed or removed is on the disk. What is made is for who runs the tool only. What the
 * system refuses is thrown as it says it.
 */
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** For who runs the tool only: items, their keys, or what steers a run are in it. */
export const PRIVATE_FILE = 0o600;
/** The same of a folder. */
export const PRIVATE_FOLDER = 0o700;
/** What group and others may do with a file. */
const OF_OTHERS = 0o077;

/**
 * Opens a file to write into it, for who runs the tool only: one that is there and that others may read is taken from
 * them, unless it is another user's.
 */
export async function openPrivate(path: string, flags: "r+" | "w" | "wx" | "a"): Promise<FileHandle> {
  const file = await open(path, flags, PRIVATE_FILE);
  try {
    const stat = await file.stat();
    // Devices and pipes are what their makers want them to be; some file systems have no modes.
    if (stat.isFile() && (stat.mode & OF_OTHERS) !== 0) await file.chmod(PRIVATE_FILE).catch(() => {});
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Opens a file for as long as it is used. */
export async function withFile<T>(
  path: string,
  flags: "r" | "r+" | "w" | "wx",
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  // What is only read, or mended in its place, stays as its owner wants it.
  const file = await (flags === "w" || flags === "wx" ? openPrivate(path, flags) : open(path, flags));
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Writes all of the bytes at an offset: one call may write less. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** Reads from an offset until the buffer is full or the file ends; gives how many bytes there were. */
export async function readAll(file: FileHandle, into: Uint8Array, at: number): Promise<number> {
  for (let done = 0; ;) {
    const { bytesRead } = await file.read(into, done, into.length - done, at + done);
    done += bytesRead;
    if (bytesRead === 0 || done === into.length) return done;
  }
}

/** Makes a folder and those above it last; one that is there stays as it is. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Removes a file for good; one that isn't there is no error. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/** Makes what was made, renamed or removed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await withFile(folder, "r", (handle) => handle.sync());
  } catch (error) {
    if (!UNSYNCED.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Not every system lets a folder be opened or synced, and one that isn't there has nothing to sync. */
const UNSYNCED = new Set(["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOENT", "ENOTSUP", "EPERM"]);
