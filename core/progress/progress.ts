/** What is counted of a run and its tables, for whoever shows it. */
import type { ErrorCode } from "../errors.ts";
import type { StageTimes } from "./stage-times.ts";
import type { StreamProgress } from "./stream-progress.ts";
import type { TableNotes } from "./table-notes.ts";
import type { Table } from "../types.ts";

/**
 * Where a table stands; done: copied, following: copied, and its stream is followed, deleted: it is gone from the source,
 * and its stream was followed to its end.
 */
export type TableState = "waiting" | "copying" | "indexing" | "done" | "following" | "failed" | "deleted";

/** Whether a table's full phase is done, or there is none any more. */
export function isCopied({ state }: { state: TableState }): boolean {
  return state === "done" || state === "following" || state === "deleted";
}

/** A table that has appeared while the others are followed, and isn't migrated. */
export interface LeftOutTable {
  /** Undefined: nothing refuses it, it is only not wanted. */
  code?: ErrorCode | undefined;
  message: string;
  /** In ms since 1970. */
  at: number;
}

/** What is known of one table's migration; counters only grow. */
export interface TableProgress {
  name: string;
  state: TableState;
  /** It has appeared while the others are followed, and isn't followed yet. */
  isNew?: boolean;
  /** Items expected, as the source last counted them: an estimate. */
  itemCount: number;
  /** Bytes expected, an estimate. */
  sizeBytes: number;
  /** Items read from the source. */
  read: number;
  /** Records that hooks dropped, or wanted skipped. */
  filtered: number;
  /** Of `filtered`, those that failed and that an `error` hook wanted left out, in this process. */
  skipped: number;
  /** Documents written and acknowledged. */
  written: number;
  /** Bytes received from the source. */
  bytes: number;
  /** Pages with items that this process has received. */
  pages?: number;
  /** Read capacity units that its Scan has used in this process: as the service says, else from the pages' sizes. */
  readUnits: number;
  /** Numbers that could not be held exactly, see `convert.number_overflow`. */
  overflowed: number;
  /** Indexes built. */
  indexes: number;
  /** How far the index build is, from 0 to 1, where the target tells. */
  indexShare?: number;
  /** Of `written` and `filtered`, what an earlier run had done. */
  resumed: number;
  /** Of `bytes`, what an earlier run had received. */
  resumedBytes: number;
  /** Of `filtered`, what an earlier run had dropped. */
  resumedFiltered?: number;
  /** Of `overflowed`, what an earlier run had counted. */
  resumedOverflowed?: number;
  /** Calls to source or target that failed and were made again. */
  retries: number;
  /** Of them, those that the source throttled. */
  throttles: number;
  /** Milliseconds of waiting before such calls, over all lanes. */
  waitedMs: number;
  /** Where the time of its segments went, in this process. */
  times?: StageTimes;
  /** What went wrong last, in few words: `throttled`, `target away`. */
  trouble?: { what: string; at: number };
  /** What of its stream is read and not applied yet, in bytes on the disk, with `incr_sync_parallel`. */
  spoolBytes?: number;
  /** Its stream, once it is followed. */
  stream?: StreamProgress;
  /** A few keys, reasons and names of what was found on the way. */
  notes?: TableNotes;
  /** When the first page was asked for, in ms since 1970. */
  startedAt?: number;
  /** When its data was there and its indexes begun, in ms since 1970. */
  indexingAt?: number;
  /** When the table was done or failed, in ms since 1970. */
  finishedAt?: number;
}

/** Whom a call is made to. */
export type Side = "source" | "target" | "checkpoint";

/** What a run is at. */
export type RunPhase = "starting" | "full" | "incr" | "done";

/** A switch-over that is waited for, or that has ended the run. */
export interface SwitchoverProgress {
  /** When it was asked for, in ms since 1970. */
  at: number;
  /** Changes received that were made at the source after that, see `core/incr/later-changes.ts`. */
  changesAfter: number;
  /** All that was made before is applied and saved, and the run ends. */
  isDone: boolean;
}

/** The whole run's progress; whoever shows it reads it when he likes. */
export interface Progress {
  /** In ms since 1970, as all times here. */
  startedAt: number;
  phase: RunPhase;
  /** Nothing is read until it is resumed. */
  paused: boolean;
  /** Calls that failed in this process, also those that went well when they were made again, and what ended the run. */
  errors: Map<ErrorCode, number>;
  lastError?: { code: ErrorCode; message: string; at: number };
  /** The last call that was made again, and until when that waits. */
  lastRetry?: { side: Side; code: ErrorCode; message: string; until: number };
  /** Calls that were made again. */
  retries: Record<Side, number>;
  /** When a checkpoint was saved last. */
  savedAt?: number;
  switchover?: SwitchoverProgress | undefined;
  /** Bytes of what is read and not written yet, and how many there may be. */
  memory?: { readonly used: number; readonly limit: number };
  /** By source name, in the order in which they are taken up. */
  tables: Map<string, TableProgress>;
  /** Tables that have appeared and can't be migrated now, by name; it is tried again. */
  leftOut: Map<string, LeftOutTable>;
}

/**
 * An empty progress that starts now, for `migrate` to keep up to date.
 *
 * @example
 * ```ts
 * import { createProgress, migrate } from "nimo-shake";
 *
 * const progress = createProgress();
 * const timer = setInterval(() => {
 *   for (const [table, { read, written, state }] of progress.tables) console.error(table, read, written, state);
 * }, 1000);
 * const config = { id: "shop", sync_mode: "full", "source.region": "us-east-2", "target.address": "mongodb://127.0.0.1" };
 * await migrate({ config, progress }).finally(() => clearInterval(timer));
 * console.log([...progress.tables.values()].every(({ state }) => state === "done")); // true
 * ```
 */
export function createProgress(): Progress {
  return {
    startedAt: Date.now(),
    phase: "starting",
    paused: false,
    errors: new Map(),
    retries: { source: 0, target: 0, checkpoint: 0 },
    tables: new Map(),
    leftOut: new Map(),
  };
}

/** Adds a table as waiting and gives its counters. */
export function trackTable(progress: Progress, table: Table): TableProgress {
  const entry: TableProgress = {
    name: table.name,
    state: "waiting",
    itemCount: table.itemCount,
    sizeBytes: table.sizeBytes,
    read: 0,
    filtered: 0,
    skipped: 0,
    written: 0,
    bytes: 0,
    readUnits: 0,
    overflowed: 0,
    indexes: 0,
    resumed: 0,
    resumedBytes: 0,
    retries: 0,
    throttles: 0,
    waitedMs: 0,
  };
  progress.tables.set(table.name, entry);
  return entry;
}

/** A call that failed and is made again. */
export interface Retry {
  side: Side;
  /** Undefined: it is about none. */
  table?: string | undefined;
  code: ErrorCode;
  /** Until it is made again, in ms. */
  pause: number;
  /** Which call it is, and what it failed with. */
  message?: string;
}

/** Counts a repeated call, so that it shows where it happens. */
export function noteRetry(progress: Progress, { side, table, code, pause, message = code }: Retry): void {
  progress.retries[side]++;
  progress.lastRetry = { side, code, message, until: Date.now() + pause };
  progress.errors.set(code, (progress.errors.get(code) ?? 0) + 1);
  const entry = table === undefined ? undefined : progress.tables.get(table);
  if (entry === undefined) return;
  const throttled = code === "SOURCE_THROTTLED" || code === "TARGET_THROTTLED";
  entry.retries++;
  if (throttled) entry.throttles++;
  entry.waitedMs += pause;
  entry.trouble = { what: throttled ? "throttled" : `${side} away`, at: Date.now() };
}

/** Counts a failure, and keeps it as the last one. */
export function noteError(progress: Progress, { code, message }: { code: ErrorCode; message: string }): void {
  progress.errors.set(code, (progress.errors.get(code) ?? 0) + 1);
  progress.lastError = { code, message, at: Date.now() };
}
