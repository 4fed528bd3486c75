/** What a comparison has found: counts by table, and each difference as a line of `<id>-diff.jsonl`. */
import { type FileHandle, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { openPrivate } from "../host/durable-files.ts";
import type { StoredValue } from "../plugin/stored.ts";
import type { Item } from "../types.ts";
import { type Difference, toJson } from "./difference.ts";

/** What a difference is. */
export type FaultKind =
  | "different"
  | "missing"
  | "extra"
  | "duplicate"
  | "missing_table"
  | "missing_index"
  | "different_index"
  | "count";

/** One difference between the two sides. */
export interface Fault {
  table: string;
  kind: FaultKind;
  /** The item's key; undefined: it concerns no item. */
  key?: Item;
  /** Where in the document: `address.lines[0]`. */
  path?: string;
  /** Its type's name there, and what is there; undefined: nothing. */
  sourceType?: string;
  source?: unknown;
  targetType?: string;
  target?: unknown;
  /** What `--repair` did about it. */
  repair?: string;
}

/** What is counted of a table. */
export interface Compared {
  /** Items of the source that were compared. */
  compared: number;
  equal: number;
  different: number;
  missing: number;
  extra: number;
  /** Of those that are equal, which weren't when they were seen first. */
  settled: number;
  /** Items that have expired, and that one side has deleted and the other not yet. */
  expired: number;
  /** Keys that were changed again and again while they were looked at: nobody knows. */
  undecided: number;
  /** Differences that are none of an item: indexes, a table that isn't there. */
  others: number;
  repaired: number;
}

/** All zero. */
export function noneCompared(): Compared {
  return {
    compared: 0,
    equal: 0,
    different: 0,
    missing: 0,
    extra: 0,
    settled: 0,
    expired: 0,
    undecided: 0,
    others: 0,
    repaired: 0,
  };
}

/** Whether there is any difference left. */
export function isDifferent({ different, missing, extra, others }: Compared): boolean {
  return different + missing + extra + others > 0;
}

/** How many keys nobody knows of, in all tables. */
export function undecidedOf(tables: ReadonlyMap<string, Compared>): number {
  return [...tables.values()].reduce((sum, { undecided }) => sum + undecided, 0);
}

/** Whether both sides are equal; null: nothing differs, but some keys aren't decided. */
export function isEqual(verdict: {
  tables: ReadonlyMap<string, Compared>;
  isDifferent: boolean;
}): boolean | null {
  if (verdict.isDifferent) return false;
  return undecidedOf(verdict.tables) === 0 ? true : null;
}

/** See the top of the file. */
export interface Report extends AsyncDisposable {
  /** Where it is once it is finished. */
  readonly path: string;
  /** The first ones, for the terminal. */
  readonly first: readonly Fault[];
  readonly count: number;
  /** Resolves when the line is written. */
  add(fault: Fault): Promise<void>;
  /** Puts it in the place of what an earlier comparison has left; without a difference there is none. */
  finish(): Promise<void>;
}

/** So many differences are shown, and so many of one table and kind. */
const SHOWN = 20;
const OF_A_KIND = 4;

/** The report of a migration in a folder. What is there stays until it is finished: its keys may be asked for. */
export function openReport(name: string, folder: string, log: { warn(message: string): void }): Report {
  const path = resolve(folder, `${name}-diff.jsonl`);
  const begun = `${path}.${process.pid}.part`;
  const first: Fault[] = [];
  let count = 0;
  let finished = false;
  let file: Promise<FileHandle> | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  return {
    path,
    first,
    get count() {
      return count;
    },
    async add(fault) {
      count++;
      const same = first.filter((each) => each.table === fault.table && each.kind === fault.kind);
      if (first.length < SHOWN && same.length < OF_A_KIND) first.push(fault);
      file ??= openPrivate(begun, "w");
      const { table, key, kind, path: at, source, target, repair } = fault;
      const line = `${JSON.stringify({ table, key, kind, path: at, source, target, repair })}\n`;
      // oxlint-disable-next-line promise/prefer-await-to-then
      writing = writing.then(async () => (await file!).appendFile(line));
      await writing;
    },
    async finish() {
      await writing;
      if (file === undefined) await rm(path, { force: true });
      else await rename(begun, path);
      finished = true;
    },
    async [Symbol.asyncDispose]() {
      await writing.catch(() => {});
      await (await file?.catch(() => undefined))?.close();
      // What was found, and what was done about it, isn't thrown away with a failure.
      if (count > 0 && !finished) log.warn(`${count} differences found so far: ${begun}`);
    },
  };
}

/** A difference of two documents as a fault. */
export function differenceFault(table: string, key: Item, { path, source, target }: Difference): Fault {
  return { table, key, kind: "different", path: pathText(path), ...sides(source, target) };
}

/** Both sides' values for a fault. */
export function sides(
  source: StoredValue | undefined,
  target: StoredValue | undefined,
): Pick<Fault, "source" | "sourceType" | "target" | "targetType"> {
  return {
    ...(source !== undefined && { source: toJson(source), sourceType: source.type }),
    ...(target !== undefined && { target: toJson(target), targetType: target.type }),
  };
}

function pathText(path: Difference["path"]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}
