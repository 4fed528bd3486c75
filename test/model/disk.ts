/**
 * A disk in memory. When the power goes, it has what was synced: of what was written since some bytes, of the names that
 * were made, renamed and removed the first ones. That a file is synced doesn't make its name last.
 */
import { dirname, join, resolve } from "node:path";
import type { Chance } from "./chance.ts";

/** What is below this folder is on it. */
export const ON_DISK = "/disk-in-memory";

/** A file's contents, or a folder's names. */
export type Node = FileNode | FolderNode;
/** See {@link Node}. */
export interface FileNode {
  kind: "file";
  bytes: Buffer;
  synced: Buffer;
  /** What was written since, in order. */
  writes: { at: number; bytes: Buffer }[];
  mtimeMs: number;
}
interface FolderNode {
  kind: "folder";
  names: Map<string, Node>;
}
/** A name that was given or taken. */
interface Naming {
  folder: FolderNode;
  name: string;
  node: Node | undefined;
}

/** See the top of the file. */
export interface Disk {
  /** What is under a path; undefined: nothing is. */
  find(path: string): Node | undefined;
  /** The folder that a path is in. */
  parent(path: string): FolderNode;
  file(path: string): FileNode;
  folder(path: string): FolderNode;
  makeFile(path: string): FileNode;
  makeFolder(path: string): void;
  /** Changes names, all in one step. */
  name(...changes: { path: string; node: Node | undefined }[]): void;
  write(file: FileNode, bytes: Uint8Array, at: number): void;
  truncate(file: FileNode, size: number): void;
  /** Makes it last. */
  sync(node: Node): void;
  /** The power goes: what isn't synced is lost, or some of it. */
  lose(chance: Chance): void;
}

/** What the system says of a path. */
export function refusal(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** Makes an empty one. */
export function createDisk(now: () => number): Disk {
  const empty = (): FolderNode => ({ kind: "folder", names: new Map() });
  const root = empty();
  /** Steps that changed names since they were synced last: each with what it takes to undo it. */
  let unsynced: Naming[][] = [];
  const files = new Set<FileNode>();

  function find(path: string): Node | undefined {
    let at: Node | undefined = root;
    for (const name of resolve(path).slice(ON_DISK.length).split("/").filter(Boolean)) {
      at = at?.kind === "folder" ? at.names.get(name) : undefined;
    }
    return at;
  }
  function folder(path: string): FolderNode {
    const found = find(path);
    if (found === undefined) throw refusal("ENOENT", path);
    if (found.kind !== "folder") throw refusal("ENOTDIR", path);
    return found;
  }
  const nameOf = (path: string): string =>
    resolve(path)
      .slice(dirname(resolve(path)).length)
      .replace("/", "");

  function name(...changes: { path: string; node: Node | undefined }[]): void {
    const undo = changes.map(({ path, node }): Naming => {
      const { names } = folder(dirname(resolve(path)));
      const before = names.get(nameOf(path));
      if (node === undefined) names.delete(nameOf(path));
      else names.set(nameOf(path), node);
      return { folder: folder(dirname(resolve(path))), name: nameOf(path), node: before };
    });
    unsynced.push(undo);
  }

  function loseBytes(file: FileNode, chance: Chance): void {
    const kept = file.writes.slice(0, chance.below(file.writes.length + 1));
    let bytes = file.synced;
    for (const [i, write] of kept.entries()) {
      const isTorn = i === kept.length - 1;
      const part = isTorn ? write.bytes.subarray(0, chance.below(write.bytes.length + 1)) : write.bytes;
      // A file system may have made it longer already, and written nothing there.
      const size = isTorn && chance.percent(30) ? write.bytes.length : part.length;
      bytes = Buffer.concat([bytes, Buffer.alloc(Math.max(0, write.at + size - bytes.length))]);
      part.copy(bytes, write.at);
    }
    Object.assign(file, { bytes, synced: bytes, writes: [] });
  }

  return {
    find,
    folder,
    parent: (path) => folder(dirname(resolve(path))),
    file(path) {
      const found = find(path);
      if (found === undefined) throw refusal("ENOENT", path);
      if (found.kind !== "file") throw refusal("EISDIR", path);
      return found;
    },
    makeFile(path) {
      const none = Buffer.alloc(0);
      const file: FileNode = { kind: "file", bytes: none, synced: none, writes: [], mtimeMs: now() };
      files.add(file);
      name({ path, node: file });
      return file;
    },
    makeFolder: (path) => name({ path, node: empty() }),
    name,
    write(file, given, at) {
      const bytes = Buffer.from(given);
      file.writes.push({ at, bytes });
      const longer = Math.max(0, at + bytes.length - file.bytes.length);
      file.bytes = Buffer.concat([file.bytes, Buffer.alloc(longer)]);
      bytes.copy(file.bytes, at);
      file.mtimeMs = now();
    },
    truncate(file, size) {
      // Whoever cuts a file syncs it: what becomes of it without isn't played.
      const bytes = Buffer.from(file.bytes.subarray(0, size));
      Object.assign(file, { bytes, synced: bytes, writes: [], mtimeMs: now() });
    },
    sync(node) {
      if (node.kind === "file") {
        node.synced = Buffer.from(node.bytes);
        node.writes = [];
        return;
      }
      // Steps are written in their order: with one of this folder all before it are.
      const last = unsynced.findLastIndex((step) => step.some(({ folder }) => folder === node));
      unsynced = unsynced.slice(last + 1);
    },
    lose(chance) {
      const kept = chance.below(unsynced.length + 1);
      for (const step of unsynced.slice(kept).toReversed()) {
        for (const { folder, name, node } of step.toReversed()) {
          if (node === undefined) folder.names.delete(name);
          else folder.names.set(name, node);
        }
      }
      unsynced = [];
      for (const file of files) loseBytes(file, chance);
    },
  };
}

/** The paths of all that is in a folder, at any depth. */
export function pathsIn(disk: Disk, path: string = ON_DISK): string[] {
  const found = disk.find(path);
  if (found?.kind !== "folder") return found === undefined ? [] : [path];
  return [...found.names.keys()].flatMap((name) => pathsIn(disk, join(path, name)));
}
