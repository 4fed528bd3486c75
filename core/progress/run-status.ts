/**
 * What is known of a running migration, as one JSON object: what `status`, the page, `/events` and the library show.
 * Times are ISO 8601, durations seconds; null: not known yet, or there is none.
 */
import { amountOfRun, rateOf, tableShare, timeLeft, totalWork } from "./eta.ts";
import { inSeconds, isoTime, rounded } from "./quantities.ts";
import { isCopied, type Progress, type RunPhase, type Side, type TableProgress } from "./progress.ts";
import { shardLag, streamLag, type StreamProgress, switchable } from "./stream-progress.ts";

/** What doesn't change while it runs. */
export interface RunIdentity {
  id: string;
  version: string;
  syncMode: "all" | "full" | "incr";
  source: string;
  target: string;
  checkpoint: string;
  pid: number;
  host: string;
}

/** See the top of the file. */
export interface RunStatus extends RunIdentity {
  now: string;
  startedAt: string;
  phase: RunPhase;
  paused: boolean;
  /** Of the table that is most behind. */
  lagSeconds: number | null;
  /** When a checkpoint was saved last. */
  savedAt: string | null;
  switchOver: { good: boolean; /** Tables that aren't at their tip. */ waitsFor: string[] };
  /** Since the start of this process, in the full phase. */
  itemsPerSecond: number | null;
  /** Of the full phase. */
  etaSeconds: number | null;
  errors: Record<string, number>;
  retries: Record<Side, number>;
  lastError: { code: string; message: string; at: string } | null;
  tables: TableStatus[];
  /** Tables that have appeared while the others are followed, and can't be migrated now. */
  leftOut: LeftOutStatus[];
}

/** A table that isn't migrated. */
export interface LeftOutStatus {
  name: string;
  /** Null: nothing refuses it, it is only not wanted. */
  code: string | null;
  message: string;
  at: string;
}

/** One table. */
export interface TableStatus {
  name: string;
  state: TableProgress["state"];
  /** What the source has counted: an estimate. */
  itemCount: number;
  sizeBytes: number;
  read: number;
  written: number;
  filtered: number;
  skipped: number;
  /** Numbers that could not be held exactly. */
  overflowed: number;
  bytes: number;
  readUnits: number;
  indexes: number;
  indexShare: number | null;
  /** How much of it is copied, from 0 to 1. */
  share: number | null;
  retries: number;
  throttles: number;
  spoolBytes: number;
  startedAt: string | null;
  finishedAt: string | null;
  stream: StreamStatus | null;
}

/** A table's stream. */
export interface StreamStatus {
  read: number;
  written: number;
  filtered: number;
  bytes: number;
  lagSeconds: number | null;
  shards: ShardStatus[];
  /** Shards that are to be followed next, and those that have ended and whose children aren't known yet. */
  waiting: string[];
}

/** A shard that is followed. */
export interface ShardStatus {
  id: string;
  parent: string | null;
  lagSeconds: number | null;
  /** How old the last record is that was applied. */
  recordAgeSeconds: number | null;
  sequenceNumber: string | null;
  savedAt: string | null;
}

/** Describes a run at a moment, in ms since 1970. */
export function describeRun(identity: RunIdentity, progress: Progress, now: number): RunStatus {
  const tables = [...progress.tables.values()];
  const { good, behind } = switchable(progress, now);
  const lags = tables
    .filter(({ state }) => state !== "deleted")
    .map(({ stream }) => (stream === undefined ? undefined : streamLag(stream, now)));
  const known = lags.filter((lag) => lag !== undefined);
  const done = { items: 0, bytes: 0 };
  for (const { items, bytes } of tables.map(amountOfRun)) {
    done.items += items;
    done.bytes += bytes;
  }
  const isCopying = tables.length > 0 && !tables.every(isCopied);
  const rate = isCopying ? rateOf(done, now - progress.startedAt) : undefined;
  const left = rate && timeLeft(totalWork(tables), rate);
  const { lastError } = progress;
  return {
    ...identity,
    now: isoTime(now)!,
    startedAt: isoTime(progress.startedAt)!,
    phase: progress.phase,
    paused: progress.paused,
    lagSeconds: known.length > 0 && known.length === lags.length ? seconds(Math.max(...known)) : null,
    savedAt: isoTime(progress.savedAt),
    switchOver: { good, waitsFor: behind },
    itemsPerSecond: rate === undefined ? null : rounded(rate.items),
    etaSeconds: left === undefined ? null : seconds(left),
    errors: Object.fromEntries(progress.errors),
    retries: { ...progress.retries },
    lastError: lastError === undefined ? null : { ...lastError, at: isoTime(lastError.at)! },
    tables: tables.map((table) => tableStatus(table, now)),
    leftOut: [...progress.leftOut].map(([name, { code, message, at }]) => ({
      name,
      code: code ?? null,
      message,
      at: isoTime(at)!,
    })),
  };
}

function tableStatus(table: TableProgress, now: number): TableStatus {
  const { name, state, itemCount, sizeBytes, read, written, filtered, skipped, overflowed, bytes } = table;
  return {
    name,
    state,
    itemCount,
    sizeBytes,
    read,
    written,
    filtered,
    skipped,
    overflowed,
    bytes,
    readUnits: table.readUnits,
    indexes: table.indexes,
    indexShare: table.indexShare ?? null,
    share: isCopied(table) ? 1 : (tableShare(table) ?? null),
    retries: table.retries,
    throttles: table.throttles,
    spoolBytes: table.spoolBytes ?? 0,
    startedAt: isoTime(table.startedAt),
    finishedAt: isoTime(table.finishedAt),
    stream: table.stream === undefined ? null : streamStatus(table.stream, now),
  };
}

function streamStatus(stream: StreamProgress, now: number): StreamStatus {
  const { read, written, filtered, bytes } = stream;
  return {
    read,
    written,
    filtered,
    bytes,
    lagSeconds: seconds(streamLag(stream, now)),
    shards: [...stream.shards.values()].map((shard) => ({
      id: shard.id,
      parent: shard.parent ?? null,
      lagSeconds: seconds(shardLag(shard, now)),
      recordAgeSeconds: shard.time === undefined ? null : seconds(Math.max(0, now - shard.time)),
      sequenceNumber: shard.sequenceNumber ?? null,
      savedAt: isoTime(shard.savedAt),
    })),
    waiting: [...stream.waiting],
  };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : inSeconds(ms);
}
