/** What is known of a table whose stream is followed; whoever shows it reads it when he likes. */
import type { TableState } from "./progress.ts";
import type { StageTimes } from "./stage-times.ts";

/** One shard's progress. */
export interface ShardProgress {
  id: string;
  parent?: string | undefined;
  /** Of the last record applied. */
  sequenceNumber?: string | undefined;
  /** When the last record applied was made at the source, in ms since 1970. */
  time?: number | undefined;
  /**
   * When the newest request was sent that reached the shard's tip and whose records, and all before, are
   * applied, in ms since 1970; undefined: the tip was not reached yet.
   */
  caughtUpAt?: number | undefined;
  /** The same of a request by which the shard was surely at its tip, see core/incr/tip.ts. */
  settledAt?: number | undefined;
  /** When the first of the requests was sent that tell this, in ms since 1970. */
  settledFrom?: number | undefined;
  /** When its position was saved last, in ms since 1970. */
  savedAt?: number | undefined;
  /** How long it waits between two requests, as long as it is idle, in ms. */
  wait?: number | undefined;
}

/** A table's stream; counters only grow. */
export interface StreamProgress {
  /** Records received. */
  read: number;
  /** Records that hooks dropped. */
  filtered: number;
  /** Records applied, those that a later one of the same batch made needless too. */
  written: number;
  /** Numbers that could not be held exactly, see `convert.number_overflow`. */
  overflowed: number;
  /** Bytes received. */
  bytes: number;
  /** Batches written. */
  batches: number;
  /** Where the time of its shards went: reading and writing go on at the same time. */
  times?: StageTimes;
  /** When the following began, in ms since 1970. */
  startedAt: number;
  /** The shards being followed. */
  shards: Map<string, ShardProgress>;
  /** Those that are to be followed next, whose parents aren't known yet, and that have ended without known children. */
  waiting: Set<string>;
  /** Which shards came since an earlier process isn't known yet. */
  isUnlisted?: boolean;
}

/** A stream of which nothing is read yet. */
export function createStreamProgress(): StreamProgress {
  const nothing = { read: 0, filtered: 0, written: 0, overflowed: 0, bytes: 0, batches: 0 };
  return { ...nothing, startedAt: Date.now(), shards: new Map(), waiting: new Set() };
}

/** How far a shard is behind, in ms; undefined: it has not caught up since the following began. */
export function shardLag({ caughtUpAt }: ShardProgress, now: number): number | undefined {
  return caughtUpAt === undefined ? undefined : Math.max(0, now - caughtUpAt);
}

/** How far the shard that is most behind is behind, in ms; undefined: one has not caught up yet. */
export function streamLag({ shards }: StreamProgress, now: number): number | undefined {
  let most = 0;
  for (const shard of shards.values()) {
    const lag = shardLag(shard, now);
    if (lag === undefined) return undefined;
    most = Math.max(most, lag);
  }
  return shards.size === 0 ? undefined : most;
}

/** A shard less behind than this, beside its own waiting, is as good as up to date, in ms. */
const SWITCHABLE = 1000;

/** Whether every shard was surely at its tip when it was asked last, just now, and no other one is to come. */
function isSettled({ shards, waiting, isUnlisted = false }: StreamProgress, now: number): boolean {
  if (shards.size === 0 || waiting.size > 0 || isUnlisted) return false;
  return [...shards.values()].every(
    ({ settledAt, wait = 0 }) => settledAt !== undefined && now - settledAt < SWITCHABLE + wait,
  );
}

/**
 * Whether now is a good moment to switch over: every table is followed, every shard was at its tip over several
 * requests until less than a second ago, or its wait between two requests more, and none has ended without its children being followed.
 *
 * @returns also the tables that are behind
 */
export function switchable(
  {
    tables,
    paused = false,
  }: {
    tables: ReadonlyMap<string, { name: string; state?: TableState; stream?: StreamProgress }>;
    paused?: boolean;
  },
  now: number,
): { good: boolean; behind: string[] } {
  const behind: string[] = [];
  let left = 0;
  for (const { name, state, stream } of tables.values()) {
    if (state === "deleted") continue;
    left++;
    // Of what isn't read nobody knows what is there.
    if (paused || stream === undefined || !isSettled(stream, now)) behind.push(name);
  }
  return { good: left > 0 && behind.length === 0, behind };
}

/**
 * Until when all changes made at the source are surely applied, in ms since 1970: in the shard of which that is known for
 * the shortest time. Undefined: it isn't known of all.
 */
export function appliedUntil({
  tables,
}: {
  tables: ReadonlyMap<string, { state: TableState; stream?: StreamProgress }>;
}): number | undefined {
  let least: number | undefined;
  for (const { state, stream } of tables.values()) {
    if (state === "deleted") continue;
    // One that is copied again is older in part.
    if (state !== "following" || stream === undefined) return undefined;
    if (stream.shards.size === 0 || stream.waiting.size > 0 || stream.isUnlisted) return undefined;
    for (const { settledFrom } of stream.shards.values()) {
      if (settledFrom === undefined) return undefined;
      least = Math.min(least ?? settledFrom, settledFrom);
    }
  }
  return least;
}
