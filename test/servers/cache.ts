/** What was fetched once stays in a folder of the user, not of the repository. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { message } from "./command.ts";
import { own } from "./process.ts";
import type { Owned } from "./process.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** A failure that took longer than this is remembered: a closed network must not cost its timeouts at every start. */
const REMEMBERED_FROM = SECOND;
/** How long it is remembered. */
const FORGIVEN_AFTER = 10 * MINUTE;
/** A lock this old is taken over even if its process id lives: ids are given out again. */
const LOCK_EXPIRES_AFTER = 30 * MINUTE;

/** The folder everything fetched is kept in. */
export function cacheFolder(): string {
  const home = process.env.HOME || homedir();
  if (process.env.XDG_CACHE_HOME) return join(process.env.XDG_CACHE_HOME, "nimo-shake");
  return process.platform === "darwin"
    ? join(home, "Library", "Caches", "nimo-shake")
    : join(home, ".cache", "nimo-shake");
}

/** The complete folder `key`, or undefined while it has not been fetched. */
export function cached(key: string): string | undefined {
  const folder = join(cacheFolder(), key);
  return existsSync(folder) ? folder : undefined;
}

/** Removes the folder `key`, that it be fetched anew. At once for whoever looks at it meanwhile. */
export function discard(key: string): void {
  const old = mkdtempSync(join(cacheFolder(), `.${key}-`));
  try {
    renameSync(join(cacheFolder(), key), join(old, key));
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

/**
 * Makes the folder `key` once and for all: `fill` puts everything into a temporary folder, which gets its name only
 * when it is complete. One process does it, others wait. `what` is for the user: `mongod (about 40 MB)`.
 */
export async function fetchOnce(
  key: string,
  what: string,
  fill: (owned: Owned) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), key);
  mkdirSync(cacheFolder(), { recursive: true });
  const unlock = await lock(join(cacheFolder(), `${key}.lock`), what);
  try {
    if (existsSync(folder)) return folder;
    const failed = join(cacheFolder(), `${key}.failed`);
    const before = recentFailure(failed);
    if (before) throw new Error(before);
    console.error(`fetching ${what} …`);
    const started = performance.now();
    const owned = own(mkdtempSync(join(cacheFolder(), `.${key}-`)));
    try {
      await fill(owned);
      renameSync(owned.folder, folder);
      rmSync(failed, { force: true });
    } catch (error) {
      console.error(`could not fetch ${what}: ${message(error)}`);
      if (performance.now() - started > REMEMBERED_FROM) writeFileSync(failed, message(error));
      throw error;
    } finally {
      await owned.remove();
    }
    return folder;
  } finally {
    unlock();
  }
}

function recentFailure(file: string): string | undefined {
  try {
    const minutes = (Date.now() - statSync(file).mtimeMs) / MINUTE;
    const left = Math.ceil(FORGIVEN_AFTER / MINUTE - minutes);
    return left > 0
      ? `${readFileSync(file, "utf8")} (tried before; again in ${left} min, or after deleting ${file})`
      : undefined;
  } catch {
    return undefined;
  }
}

// Should two ever hold the lock at once, they fetch twice and the second rename finds the first's folder: no harm.
async function lock(file: string, what: string): Promise<() => void> {
  const mine = `${file}.${process.pid}`;
  let told = false;
  for (;;) {
    writeFileSync(mine, String(process.pid));
    try {
      linkSync(mine, file); // exists with its content or not at all
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(mine, { force: true });
    }
    if (isStale(file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told) console.error(`waiting for another process that fetches ${what} …`);
    told = true;
    await sleep(SECOND / 5);
  }
}

function isStale(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Date.now() - statSync(file).mtimeMs > LOCK_EXPIRES_AFTER || !isRunning(pid);
  } catch {
    return false; // released just now
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
