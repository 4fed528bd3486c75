/**
 * A file that is only appended to, moved to `.1` when it is full, and made anew when somebody took it away.
 * Own code, for libraries write or roll later (docs/decisions/2026-11-26-libraries.md): what is logged right before
 * an exit would be lost.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { PRIVATE_FILE, PRIVATE_FOLDER } from "../../core/host/durable-files.ts";

const SECOND = 1000;
/** Less than a second, so that no flush of every second misses its look by a hair. */
const LOOK_INTERVAL = SECOND / 2;

/** What {@link openRollingFile} takes. */
export interface RollingFileOptions {
  /** How large it gets; default 500 MB, as in NimoShake. */
  maxBytes?: number;
  /** How many older ones stay, `.1` the newest; default 100, as in NimoShake. */
  keep?: number;
  /** Told when a full one can't be moved, and grows on. */
  onStuck?: (error: unknown) => void;
}

/** A file that is open for appending. */
export interface RollingFile {
  /** Writes before it returns; throws what the system says. What failed once may work the next time. */
  append(text: string): void;
  /** May be called twice. */
  close(): void;
}

/**
 * Opens a file, with the folders it needs, behind what is there already. Throws what the system says. One that is made
 * is for who runs the tool only, or for whom the one before it was for: whoever wants others to read a log makes it first.
 * Pipes, devices and links are written to and never moved.
 */
export function openRollingFile(path: string, options: RollingFileOptions = {}): RollingFile {
  const { maxBytes = 500 * 1024 * 1024, keep = 100, onStuck } = options;
  let descriptor: number | undefined;
  let opened: Stats | undefined;
  let size = 0;
  let limit = maxBytes;
  let lookedAt = 0;
  open();

  function open(): number {
    mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
    const isNew = !existsSync(path);
    descriptor = openSync(path, "a", PRIVATE_FILE);
    if (isNew && opened?.isFile()) setMode(descriptor, opened.mode & 0o777);
    opened = fstatSync(descriptor);
    size = opened.size;
    lookedAt = performance.now();
    return descriptor;
  }

  function close(): void {
    if (descriptor === undefined) return;
    closeSync(descriptor);
    descriptor = undefined;
  }

  /** logrotate, another process or a person may have moved, deleted or emptied it. */
  function look(): void {
    lookedAt = performance.now();
    if (opened?.isFile() === false) return;
    const there = statSync(path, { throwIfNoEntry: false });
    size = there?.size ?? 0;
    if (there?.ino !== opened?.ino || there?.dev !== opened?.dev) close();
  }

  function roll(): void {
    // Closed before it is moved, for Windows moves no open file.
    close();
    try {
      moveUp(path, keep);
      limit = maxBytes;
    } catch (error) {
      limit = size + maxBytes;
      onStuck?.(error);
    }
  }

  return {
    append(text) {
      const bytes = Buffer.byteLength(text);
      if (performance.now() - lookedAt >= LOOK_INTERVAL) look();
      if (isFull(bytes)) {
        look();
        if (isFull(bytes) && lstatSync(path, { throwIfNoEntry: false })?.isFile()) roll();
      }
      appendFileSync(descriptor ?? open(), text);
      size += bytes;
    },
    close,
  };

  function isFull(more: number): boolean {
    return size > 0 && size + more > limit;
  }
}

/** Some file systems have no modes: what is logged is worth more. */
function setMode(descriptor: number, mode: number): void {
  try {
    fchmodSync(descriptor, mode);
  } catch {}
}

/** Moves `x` to `x.1`, `x.1` to `x.2` and so on up to the first free number; the one past the last is overwritten. */
function moveUp(path: string, keep: number): void {
  let last = 1;
  while (last < keep && existsSync(`${path}.${last}`)) last++;
  for (let number = last; number > 1; number--) renameSync(`${path}.${number - 1}`, `${path}.${number}`);
  renameSync(path, `${path}.1`);
}
