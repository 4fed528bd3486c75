/** `<id>.pid`: one migration of an id at a time in a folder, in NimoShake's form: the process id and a line break. */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { isProcessSince } from "./_process.ts";

/** What {@link acquirePidFile} takes. */
export interface PidFileOptions {
  /** Default: the working folder. */
  folder?: string;
  log: { warn(message: string): void };
}

/** A pid file somebody left. */
interface Found {
  text: string;
  stat: Stats;
}

/**
 * Makes the pid file and gives what removes it again, which also happens when the process exits.
 * One that a dead process has left is replaced. A folder that can't be written is a warning.
 *
 * @throws MigrationError ALREADY_RUNNING when a living process has it
 */
export function acquirePidFile(id: string, { folder = ".", log }: PidFileOptions): () => void {
  const file = resolve(folder, `${id}.pid`);
  try {
    make(file, id);
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    findStale(file, id);
    log.warn(`${file} can't be written, nothing keeps a second process of this id away: ${reason(error)}`);
    return () => {};
  }
  const made = find(file);

  function release(): void {
    process.off("exit", release);
    try {
      const found = find(file);
      // Deleted by hand, it may be another process's by now.
      if (made && found && isSame(made, found)) rmSync(file, { force: true });
    } catch {
      // What stays is stale, and replaced the next time.
    }
  }
  process.on("exit", release);
  return release;
}

/** What a start would find of a pid file, and why it would be refused; nothing is changed. */
export function findPidFile(
  id: string,
  folder = ".",
): { file: string; pid: number | null; running: boolean; refusal?: MigrationError } | undefined {
  const file = resolve(folder, `${id}.pid`);
  try {
    const stale = findStale(file, id);
    return stale && { file, pid: Number(stale.text.trim()) || null, running: false };
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    const pid = /^\d+/.exec(textOf(file))?.[0];
    return { file, pid: pid === undefined ? null : Number(pid), running: true, refusal: error };
  }
}

/** The living process that has an id's pid file in the working folder; undefined: there is none, or nobody can tell. */
export function runningPid(id: string): number | undefined {
  const found = findPidFile(id);
  return found?.running ? (found.pid ?? undefined) : undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function make(file: string, id: string): void {
  // Written before it gets its name, so that nobody finds it empty. Containers may share a folder and a process id.
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
    while (!place(draft, file)) {
      const stale = findStale(file, id);
      if (stale) takeAway(stale, file);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Whether the draft got the name; somebody else may have it. */
function place(draft: string, file: string): boolean {
  try {
    try {
      linkSync(draft, file);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw error;
      // Some file systems have no links.
      writeFileSync(file, readFileSync(draft), { flag: "wx", mode: 0o600 });
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Of two processes that found the same stale file the slower one must not take away the other's new one. */
function takeAway(stale: Found, file: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = find(aside);
  if (moved && !isSame(stale, moved)) place(aside, file);
  rmSync(aside, { force: true });
}

/** The file a dead process left, if there is one. Throws ALREADY_RUNNING when its process lives. */
function findStale(file: string, id: string): Found | undefined {
  let found: Found | undefined;
  try {
    found = find(file);
  } catch (cause) {
    throw new MigrationError(
      "ALREADY_RUNNING",
      `id = ${id} may be running already, ${file} can't be read: ${reason(cause)}`,
      { hint: "run it as the user who started the other one, or delete that file if nothing runs", cause },
    );
  }
  const pid = Number(found?.text.trim() || Number.NaN);
  // In a container every run has the same process id: what bears ours is an earlier run's.
  if (!found || !Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return found;
  if (!isProcessSince(pid, found.stat.mtimeMs)) return found;
  throw new MigrationError(
    "ALREADY_RUNNING",
    `id = ${id} is running already as process ${pid}, which has ${file}`,
    {
      hint: `wait for it, stop it with kill ${pid}, or give this one another id or folder; if process ${pid} is something else, delete that file`,
    },
  );
}

function find(file: string): Found | undefined {
  try {
    return { text: readFileSync(file, "utf8"), stat: statSync(file) };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A freed inode number is soon given out again, so the time counts as well. */
function isSame(one: Found, other: Found): boolean {
  return (
    one.text === other.text && one.stat.ino === other.stat.ino && one.stat.mtimeMs === other.stat.mtimeMs
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function reason(error: unknown): string {
  return error instanceof Error ? (codeOf(error) ?? error.message) : String(error);
}
