/** One table of a report, and the sums of all. Counts are the migration's, but for those that say they are a process's. */
import { writtenOfRun } from "../progress/eta.ts";
import { isCopied, type TableProgress } from "../progress/progress.ts";
import { type StreamProgress, streamLag } from "../progress/stream-progress.ts";
import type { Item } from "../types.ts";
import { isoTime } from "../progress/quantities.ts";
import { perSecond, secondsBetween, stageSeconds, type StageSeconds } from "./quantities.ts";

/** What is counted of a table's full phase. */
export interface Counts {
  read: number;
  written: number;
  /** Of those read, what hooks dropped. */
  filtered: number;
  /** Numbers that could not be held exactly. */
  overflowed: number;
  /** Received from the source. */
  bytes: number;
}

/** What this process did of it. */
export interface ProcessCounts extends Counts {
  seconds: number | null;
  /** Read, while the data was copied. */
  itemsPerSecond: number | null;
  bytesPerSecond: number | null;
  readUnits: number;
  /** Calls that were made again, those of them that were throttled, and the waiting before them. */
  retries: number;
  throttles: number;
  waitedSeconds: number;
  /** Where the time of its segments went, added up over them; null: none was copied. */
  stages: StageSeconds | null;
}

/** The changes that this process applied. */
export interface ChangesReport {
  read: number;
  written: number;
  filtered: number;
  overflowed: number;
  bytes: number;
  seconds: number | null;
  changesPerSecond: number | null;
  /** How far it was behind at the end; null: it had not caught up. */
  lagSeconds: number | null;
  /** Where the time of its shards went, added up over them; null: none was read. */
  stages: StageSeconds | null;
  /** Shards that were followed at the end. */
  shards: number;
}

/** See the top of the file. */
export interface TableReport extends Counts {
  name: string;
  state: TableProgress["state"];
  copied: boolean;
  /** What the source had counted, an estimate. */
  itemCount: number;
  sizeBytes: number;
  /** An earlier process had done some of it. */
  resumed: boolean;
  /** Records that an `error` hook wanted left out, in this process, of both phases; and why the first ones. */
  skipped: number;
  skipReasons: string[];
  /** Keys of items with numbers that could not be held exactly, the first few, in DynamoDB JSON. */
  overflowedKeys: Item[];
  indexes: { count: number; names: string[]; leftOut: { name: string; reason: string }[] };
  /** What was at the target before is called so now. */
  renamedTo: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  copySeconds: number | null;
  indexSeconds: number | null;
  thisProcess: ProcessCounts;
  changes: ChangesReport | null;
}

/** Of all tables. */
export interface Totals extends Counts {
  tables: number;
  copied: number;
  skipped: number;
  indexes: number;
  readUnits: number;
  retries: number;
  throttles: number;
  waitedSeconds: number;
  changes: { read: number; written: number; overflowed: number };
}

/** @param at when what lags is looked at; both in ms since 1970 */
export function tableReport(
  table: TableProgress,
  { at, endedAt }: { at: number; endedAt: number },
): TableReport {
  const { name, state, itemCount, sizeBytes, read, written, filtered, overflowed, bytes, notes } = table;
  const { startedAt, indexingAt, finishedAt } = table;
  const copySeconds = secondsBetween(startedAt, indexingAt ?? finishedAt ?? endedAt);
  return {
    name,
    state,
    copied: isCopied(table),
    itemCount,
    sizeBytes,
    resumed: table.resumed > 0,
    read,
    written,
    filtered,
    overflowed,
    bytes,
    skipped: table.skipped,
    skipReasons: notes?.skipReasons ?? [],
    overflowedKeys: notes?.overflowedKeys ?? [],
    indexes: {
      count: table.indexes,
      names: notes?.indexes ?? [],
      leftOut: [...(notes?.indexesLeftOut ?? [])].map(([index, reason]) => ({ name: index, reason })),
    },
    renamedTo: notes?.renamedTo ?? null,
    startedAt: isoTime(startedAt),
    finishedAt: isoTime(finishedAt),
    copySeconds,
    indexSeconds: secondsBetween(indexingAt, finishedAt ?? endedAt),
    thisProcess: processCounts(table, copySeconds, endedAt),
    changes: table.stream === undefined ? null : changesReport(table.stream, at),
  };
}

function processCounts(table: TableProgress, copySeconds: number | null, endedAt: number): ProcessCounts {
  const { resumed, resumedBytes, resumedFiltered = 0, resumedOverflowed = 0 } = table;
  const read = table.read - resumed;
  const bytes = table.bytes - resumedBytes;
  return {
    read,
    written: writtenOfRun(table),
    filtered: table.filtered - resumedFiltered,
    overflowed: table.overflowed - resumedOverflowed,
    bytes,
    seconds: secondsBetween(table.startedAt, table.finishedAt ?? endedAt),
    itemsPerSecond: perSecond(read, copySeconds),
    bytesPerSecond: perSecond(bytes, copySeconds),
    readUnits: table.readUnits,
    retries: table.retries,
    throttles: table.throttles,
    waitedSeconds: table.waitedMs / 1000,
    stages: stageSeconds(table),
  };
}

function changesReport(stream: StreamProgress, at: number): ChangesReport {
  const { read, written, filtered, overflowed, bytes, startedAt, shards } = stream;
  const seconds = secondsBetween(startedAt, at);
  return {
    read,
    written,
    filtered,
    overflowed,
    bytes,
    seconds,
    changesPerSecond: perSecond(written, seconds),
    lagSeconds: secondsBetween(0, streamLag(stream, at)),
    stages: stageSeconds(stream),
    shards: shards.size,
  };
}

/** Adds the tables up. */
export function totalsOf(tables: TableReport[]): Totals {
  const sum = (count: (table: TableReport) => number): number =>
    tables.reduce((total, table) => total + count(table), 0);
  return {
    tables: tables.length,
    copied: tables.filter(({ copied }) => copied).length,
    read: sum(({ read }) => read),
    written: sum(({ written }) => written),
    filtered: sum(({ filtered }) => filtered),
    skipped: sum(({ skipped }) => skipped),
    overflowed: sum(({ overflowed }) => overflowed),
    bytes: sum(({ bytes }) => bytes),
    indexes: sum(({ indexes }) => indexes.count),
    readUnits: sum(({ thisProcess }) => thisProcess.readUnits),
    retries: sum(({ thisProcess }) => thisProcess.retries),
    throttles: sum(({ thisProcess }) => thisProcess.throttles),
    waitedSeconds: sum(({ thisProcess }) => thisProcess.waitedSeconds),
    changes: {
      read: sum(({ changes }) => changes?.read ?? 0),
      written: sum(({ changes }) => changes?.written ?? 0),
      overflowed: sum(({ changes }) => changes?.overflowed ?? 0),
    },
  };
}
