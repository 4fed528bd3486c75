/** What can go wrong with the spool: the system refuses something, or a file isn't what was written. */
import { MigrationError } from "../errors.ts";

/** Waits while it is in doubt whether one may write, and fails when one must not any more. */
export type MayWrite = () => void | Promise<void>;

const FULL = "the disk is full";
const WORDS: Record<string, string> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: "the file system takes no larger file",
  EIO: "the disk fails",
};

/**
 * Does something with the spool's files; what the system refuses is SPOOL_FAILED.
 *
 * @param what it in words, for example "writing to ./nimo-shake-spool/a.log"
 * @param mayWrite is asked when it fails: who was replaced finds what another process has made of it
 */
export async function attempt<T>(what: string, mayWrite: MayWrite, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await mayWrite();
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
