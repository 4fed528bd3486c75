/** The tables of a status: what a process says of them, and what its checkpoint does. */
import { isOver, type ShardNote } from "../checkpoint/shard-note.ts";
import { shardUpTo, streamUpTo, type TableStanding } from "../checkpoint/standing.ts";
import { inSeconds, isoTime } from "../progress/quantities.ts";
import type { RunStatus, ShardStatus, StreamStatus, TableStatus } from "../progress/run-status.ts";
import type { KeptStatus } from "./status.ts";

/** What the checkpoint says of a table, too. */
type Always = "name" | "state" | "read" | "written" | "filtered" | "bytes" | "share";

/** One table; from a process that has answered also what `TableStatus` has beside. */
export interface TableEntry extends Pick<TableStatus, Always>, Partial<Omit<TableStatus, Always | "stream">> {
  /** Null: it wasn't copied by this tool. */
  segments: { done: number; all: number } | null;
  stream: StreamEntry | null;
}

/** A table's stream. */
export interface StreamEntry extends Partial<Omit<StreamStatus, "shards">> {
  lagSeconds: number | null;
  shards: ShardEntry[];
}

/** A shard, those that are over too. */
export interface ShardEntry extends ShardStatus {
  status: ShardNote["status"];
  /** When it was known last that nothing before its position is missing. */
  notedAt: string | null;
}

/**
 * Puts them together.
 *
 * @param named tables that the configuration names: of those that nobody says anything of none has begun
 * @param running a process of this id runs
 */
export function tablesOf(
  kept: KeptStatus | undefined,
  live: RunStatus | undefined,
  named: readonly string[],
  now: number,
  running: boolean,
): TableEntry[] {
  const noted = new Map(kept?.tables.map((table) => [table.name, table]));
  if (live !== undefined && live.tables.length > 0) {
    return live.tables.map((table) => liveTable(table, noted.get(table.name), now));
  }
  const waiting = named.filter((name) => !noted.has(name)).map(waitingTable);
  return [...[...noted.values()].map((table) => keptTable(table, now, running)), ...waiting];
}

function waitingTable(name: string): TableEntry {
  const none = { read: 0, written: 0, filtered: 0, bytes: 0 };
  return { name, state: "waiting", ...none, share: null, segments: null, stream: null };
}

const STATES = { making: "waiting", copying: "copying", indexing: "indexing", done: "done" } as const;

function keptTable(table: TableStanding, now: number, running: boolean): TableEntry {
  const { name, state, read, filtered, overflowed, bytes, shards } = table;
  const isFollowed = running && state.stage === "done" && shards?.some((shard) => !isOver(shard)) === true;
  return {
    name,
    state: state.deletedAt !== undefined ? "deleted" : isFollowed ? "following" : STATES[state.stage],
    read,
    written: read - filtered,
    filtered,
    overflowed,
    bytes,
    share: state.stage === "done" ? 1 : null,
    ...(state.indexes !== undefined && { indexes: state.indexes }),
    segments: segmentsOf(table),
    stream: shards === undefined ? null : keptStream(shards, now),
  };
}

function segmentsOf({ state, segmentsDone }: TableStanding): TableEntry["segments"] {
  return state.units === 0 ? null : { done: segmentsDone, all: state.units };
}

function keptStream(shards: readonly ShardNote[], now: number): StreamEntry {
  return { lagSeconds: since(streamUpTo(shards), now), shards: shards.map((shard) => keptShard(shard, now)) };
}

function keptShard(shard: ShardNote, now: number): ShardEntry {
  const { id, parent, status, position, notedAt, updatedAt } = shard;
  return {
    id,
    parent: parent ?? null,
    status,
    lagSeconds: isOver(shard) ? null : since(shardUpTo(shard), now),
    recordAgeSeconds: since(shard.time, now),
    sequenceNumber: position.at === "sequence" ? position.number : null,
    savedAt: isoTime(updatedAt),
    notedAt: isoTime(notedAt),
  };
}

function liveTable(table: TableStatus, kept: TableStanding | undefined, now: number): TableEntry {
  const { stream } = table;
  return {
    ...table,
    segments: kept === undefined ? null : segmentsOf(kept),
    stream:
      stream === null ? null : { ...stream, shards: liveShards(stream.shards, kept?.shards ?? [], now) },
  };
}

function liveShards(live: ShardStatus[], kept: readonly ShardNote[], now: number): ShardEntry[] {
  const noted = new Map(kept.map((shard) => [shard.id, keptShard(shard, now)]));
  for (const shard of live) {
    const before = noted.get(shard.id);
    noted.set(shard.id, {
      ...shard,
      sequenceNumber: shard.sequenceNumber ?? before?.sequenceNumber ?? null,
      savedAt: shard.savedAt ?? before?.savedAt ?? null,
      status: "running",
      notedAt: before?.notedAt ?? null,
    });
  }
  return [...noted.values()];
}

/** How long ago that was, in seconds; null: nobody knows. */
export function since(at: number | undefined, now: number): number | null {
  return at === undefined ? null : inSeconds(Math.max(0, now - at));
}
