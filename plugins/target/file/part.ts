/** The documents of one unit on their way to the disk. */
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { openPrivate, syncFolder, writeAll } from "../../../core/host/durable-files.ts";
import { fileError } from "./disk.ts";

/** See the top of the file. */
export interface Part {
  readonly path: string;
  /** Where the next bytes go: what is written and on its way. */
  readonly size: number;
  /**
   * Appends bytes; their place is behind those of the calls before, whichever ends first. When it resolves they are
   * on the disk. After a failure nothing is written any more: there is a hole.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when nothing is on its way; throws what went wrong with any write. */
  idle(): Promise<void>;
}

/**
 * Makes a part. Its file is open only while something is on its way: a table can have thousands of parts.
 *
 * @param size the file's in bytes; undefined: there is no file yet
 */
export function createPart(path: string, size?: number): Part {
  let end = size ?? 0;
  let made = size !== undefined;
  let file: { opened: Promise<FileHandle>; users: number } | undefined;
  /** The sync that has not begun: it will cover what is written by now. */
  let waiting: Promise<void> | undefined;
  let last: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  const onTheWay = new Set<Promise<void>>();

  async function openFile(): Promise<FileHandle> {
    if (made) return openPrivate(path, "r+");
    const opened = await openPrivate(path, "wx");
    made = true;
    await syncFolder(dirname(path));
    return opened;
  }

  async function whileOpen(use: (handle: FileHandle) => Promise<void>): Promise<void> {
    const mine = (file ??= { opened: openFile(), users: 0 });
    mine.users++;
    try {
      await use(await mine.opened);
    } finally {
      if (--mine.users === 0) {
        if (file === mine) file = undefined;
        await mine.opened.then(
          (handle) => handle.close(),
          () => {},
        );
      }
    }
  }

  /** One sync at a time; all who wait for the next share it. */
  function sync(handle: FileHandle): Promise<void> {
    if (waiting === undefined) {
      waiting = syncBehind(last, handle);
      last = waiting.catch(() => {});
    }
    return waiting;
  }

  async function syncBehind(before: Promise<void> | undefined, handle: FileHandle): Promise<void> {
    await before;
    waiting = undefined;
    await handle.datasync();
  }

  async function append(bytes: Uint8Array): Promise<void> {
    const at = end;
    end += bytes.length;
    try {
      await whileOpen(async (handle) => {
        await writeAll(handle, bytes, at);
        await sync(handle);
      });
    } catch (error) {
      failure ??= { error: fileError(error, `writing to ${path}`) };
    }
    // The system reports a failed sync once, to whoever called it: the bytes of all others may be lost with it.
    if (failure !== undefined) throw failure.error;
  }

  return {
    path,
    get size() {
      return end;
    },
    async write(bytes) {
      if (failure !== undefined) throw failure.error;
      const writing = append(bytes).finally(() => onTheWay.delete(writing));
      onTheWay.add(writing);
      await writing;
    },
    async idle() {
      await Promise.allSettled(onTheWay);
      if (failure !== undefined) throw failure.error;
    },
  };
}
