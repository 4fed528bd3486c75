/** What core and plugins use of `node:fs/promises`, over a disk in memory. */
import { mock } from "bun:test";
import * as plain from "node:fs";
import * as promises from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Disk, type FileNode, type Node, ON_DISK, pathsIn, refusal } from "./disk.ts";

/** Whose disk it is, and how steps are made there: each may be the last one. */
export interface Mounted {
  disk: Disk;
  step<T>(work: () => T): Promise<T>;
}

/** Takes the place of the system's. */
export interface FakeFiles {
  mounted: Mounted;
  restore(): Promise<void>;
}

type Options = { flag?: string; recursive?: boolean; force?: boolean } | string | number | undefined;

/** As far as it is asked for; whoever makes a file here makes it private. */
const statOf = (size: number, mtimeMs: number) => ({ size, mtimeMs, mode: 0o600, isFile: () => true });

const real = { plain: { ...plain }, promises: { ...promises } };

/** Replaces the files below {@link ON_DISK} for this process. */
export async function fakeFiles(): Promise<FakeFiles> {
  const fake = {} as FakeFiles;
  const disk = (): Disk => fake.mounted.disk;
  const step = <T>(work: () => T): Promise<T> => fake.mounted.step(work);
  const optionsOf = (given: Options): Exclude<Options, string | number | undefined> =>
    typeof given === "object" ? given : {};

  function opened(path: string, flags: string): FileNode {
    const found = disk().find(path);
    if (flags === "wx" && found !== undefined) throw refusal("EEXIST", path);
    if (found === undefined && flags !== "r" && flags !== "r+") return disk().makeFile(path);
    const file = disk().file(path);
    if (flags === "w") disk().truncate(file, 0);
    return file;
  }

  function handleOf(node: Node, isAppended = false) {
    const file = node as FileNode;
    const put = (given: string | Uint8Array, at: number): void =>
      disk().write(file, typeof given === "string" ? Buffer.from(given) : given, at);
    const end = (): number => file.bytes.length;
    let at = isAppended ? end() : 0;
    return {
      async write(given: string | Uint8Array, offset: number, length?: number, position = at) {
        const isText = typeof given === "string";
        const bytes = isText ? Buffer.from(given) : given.subarray(offset, offset + (length ?? given.length));
        await step(() => put(bytes, isText ? offset : position));
        return { bytesWritten: bytes.length };
      },
      read: (into: Uint8Array, offset: number, length: number, position: number) =>
        step(() => {
          const bytes = file.bytes.subarray(position, position + length);
          into.set(bytes, offset);
          return { bytesRead: bytes.length };
        }),
      async writeFile(given: string) {
        await step(() => put(given, at));
        at += Buffer.byteLength(given);
      },
      readFile: (encoding: BufferEncoding) => step(() => file.bytes.toString(encoding)),
      truncate: (size: number) => step(() => disk().truncate(file, size)),
      sync: () => step(() => disk().sync(node)),
      datasync: () => step(() => disk().sync(node)),
      stat: () => step(() => statOf(end(), file.mtimeMs)),
      async close() {},
    };
  }

  const stat = (path: string) =>
    step(() => {
      const { bytes, mtimeMs } = disk().file(path);
      return statOf(bytes.length, mtimeMs);
    });

  const functions = {
    open: (path: string, flags = "r") =>
      step(() => {
        const node = disk().find(path);
        return handleOf(node?.kind === "folder" ? node : opened(path, flags), flags === "a");
      }),
    async mkdir(path: string) {
      let first: string | undefined;
      const missing: string[] = [];
      for (let at = resolve(path); disk().find(at) === undefined; at = dirname(at)) missing.unshift(at);
      for (const each of missing) {
        await step(() => (disk().find(each) === undefined ? disk().makeFolder(each) : undefined));
        first ??= each;
      }
      return first;
    },
    readdir: (path: string) => step(() => [...disk().folder(path).names.keys()]),
    stat,
    lstat: stat,
    readFile: (path: string, encoding?: BufferEncoding) =>
      step(() => {
        const { bytes } = disk().file(path);
        return encoding === undefined ? bytes : bytes.toString(encoding);
      }),
    async writeFile(path: string, text: string | Uint8Array, given?: Options) {
      const file = await step(() => opened(path, optionsOf(given).flag ?? "w"));
      await step(() => disk().write(file, Buffer.from(text), 0));
    },
    rename: (from: string, to: string) =>
      step(() => {
        const node = disk().find(from);
        if (node === undefined) throw refusal("ENOENT", from);
        disk().name({ path: to, node }, { path: from, node: undefined });
      }),
    link: (from: string, to: string) =>
      step(() => {
        if (disk().find(to) !== undefined) throw refusal("EEXIST", to);
        disk().name({ path: to, node: disk().file(from) });
      }),
    async rm(path: string, given?: Options) {
      if (disk().find(path) === undefined && optionsOf(given).force) return;
      // What is in a folder goes one by one.
      for (const each of pathsIn(disk(), path))
        await step(() => disk().name({ path: each, node: undefined }));
      await step(() => (disk().find(path) ? disk().name({ path, node: undefined }) : undefined));
    },
    rmdir: (path: string) =>
      step(() => {
        if (disk().folder(path).names.size > 0) throw refusal("ENOTEMPTY", path);
        disk().name({ path, node: undefined });
      }),
  };

  const over = Object.fromEntries(
    Object.entries(functions).map(([name, ours]) => {
      const theirs = real.promises[name as keyof typeof functions] as (...given: unknown[]) => unknown;
      const either = (...given: unknown[]): unknown =>
        String(given[0]).startsWith(ON_DISK) ? (ours as typeof theirs)(...given) : theirs(...given);
      return [name, either];
    }),
  );
  const existsSync = (path: string): boolean =>
    String(path).startsWith(ON_DISK) ? disk().find(path) !== undefined : real.plain.existsSync(path);
  await mock.module("node:fs/promises", () => ({ ...real.promises, ...over }));
  await mock.module("node:fs", () => ({ ...real.plain, existsSync }));
  return Object.assign(fake, {
    async restore() {
      await mock.module("node:fs/promises", () => real.promises);
      await mock.module("node:fs", () => real.plain);
    },
  });
}
