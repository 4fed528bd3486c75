/**
 * Where the control socket of an id is, and how it gets there: `<id>.sock` beside the pid file, for its user only from
 * the first moment. On Windows it is a named pipe.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { connect, type Server } from "node:net";
import { join, relative, resolve } from "node:path";

const IS_WINDOWS = process.platform === "win32";
/** Who listens takes a connection at once, in ms. */
const ANSWER = 1000;

/** A socket that got its name. */
export interface PlacedSocket {
  path: string;
  /** Takes it away again, unless it is another process's by now; may be called twice. */
  remove(): void;
}

/** The socket's path, relative to the working folder: a system takes no more than about 104 bytes. */
export function socketPath(id: string, folder = "."): string {
  const absolute = resolve(folder, `${id}.sock`);
  if (IS_WINDOWS) return `\\\\.\\pipe\\nimo-shake-${hashOf(absolute)}`;
  return shorter(absolute);
}

/**
 * Listens there. One that a dead process has left is replaced.
 *
 * @returns undefined: another process listens there
 * @throws what the system says when it can't be made
 */
export async function placeSocket(
  server: Server,
  id: string,
  folder: string,
): Promise<PlacedSocket | undefined> {
  const path = socketPath(id, folder);
  if (IS_WINDOWS) {
    try {
      await listen(server, path);
    } catch (error) {
      if (codeOf(error) === "EADDRINUSE") return undefined;
      throw error;
    }
    return { path, remove: () => {} };
  }
  // Nobody else comes into this folder, so nobody can connect before the mode is set.
  const hidden = mkdtempSync(resolve(folder, ".sock-"));
  try {
    const draft = shorter(join(hidden, "s"));
    await listen(server, draft);
    chmodSync(draft, 0o600);
    const made = statSync(draft);
    while (!place(draft, path)) {
      const found = find(path);
      if (found === undefined) continue;
      if (!found.isSocket()) throw new Error("something else has that name");
      if (await isAnswered(path)) return undefined;
      takeAway(path, found);
    }
    return { path, remove: () => removeOwn(path, made) };
  } finally {
    rmSync(hidden, { recursive: true, force: true });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(path, () => {
      server.off("error", fail);
      done();
    });
  });
}

/** Whether the draft got the name; something else may have it. */
function place(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    if (find(path) !== undefined) return false;
    // Some file systems have no links.
    renameSync(draft, path);
    return true;
  }
}

/** Whether a process listens there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    const end = (is: boolean): void => {
      socket.destroy();
      done(is);
    };
    socket.setTimeout(ANSWER, () => end(true));
    socket.once("connect", () => end(true));
    // What refuses us is alive, and another user's.
    socket.once("error", (error) =>
      end(!["ECONNREFUSED", "ENOENT", "ENOTSOCK"].includes(codeOf(error) ?? "")),
    );
  });
}

/** Of two processes that found the same stale socket the slower one must not take away the other's new one. */
function takeAway(path: string, stale: Stats): void {
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = find(aside);
  if (moved !== undefined && !isSame(stale, moved)) place(aside, path);
  rmSync(aside, { force: true });
}

function removeOwn(path: string, made: Stats): void {
  try {
    const found = find(path);
    if (found !== undefined && isSame(made, found)) rmSync(path, { force: true });
  } catch {
    // What stays is stale, and replaced the next time.
  }
}

function find(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** A freed inode number is soon given out again, so the time counts as well. */
function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev && one.mtimeMs === other.mtimeMs;
}

function shorter(absolute: string): string {
  const way = relative(process.cwd(), absolute);
  return way.length < absolute.length ? way : absolute;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text.toLowerCase()).digest("hex").slice(0, 32);
}

/** The system's name of an error. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
