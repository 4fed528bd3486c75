/**
 * Whether all of a shard is still there. Records live for a day, and who reads from the oldest one isn't told that older
 * ones have expired: the time up to which nothing was missing has to be known.
 */
import { streamGap } from "../errors.ts";
import { isOver, type ShardNote } from "../checkpoint/shard-note.ts";
import { isAhead } from "../host/clock.ts";
import type { ShardReader } from "../plugin/roles.ts";
import type { Table } from "../types.ts";
import { KEPT } from "../types.ts";

const MINUTE = 60_000;
/** The clock of the zone that is furthest ahead, in ms. */
const FIRST_ZONE = 14 * 60 * MINUTE;
/** What was read so long ago, in ms, was read lately. */
const LATELY = 30 * MINUTE;
type Shards = ReadonlyMap<string, ShardNote>;

/**
 * Refuses a shard that would be read from its oldest record while older ones may have expired unread.
 *
 * @throws MigrationError STREAM_GAP
 */
export function refuseExpired(table: Table, shards: Shards, note: ShardNote): void {
  if (note.position.at === "sequence" || isWhole(shards, note)) return;
  const at = wholeAt(shards, note);
  const since = at === undefined ? "a time that nobody knows" : new Date(at).toISOString();
  throw streamGap(
    `what was written since ${since} may have expired unread: table ${table.name}, shard ${note.id}`,
  );
}

/**
 * A reader that refuses the same as long as its first page hasn't come: it may be asked first a day after it was made,
 * behind a pause or a sleep of the machine.
 *
 * @param note has the position from which it reads
 */
export function refusingExpired(
  reader: ShardReader,
  table: Table,
  shards: Shards,
  { id, position }: ShardNote,
): ShardReader {
  let isRead = false;
  return {
    async poll(options) {
      const now = shards.get(id);
      if (!isRead && now !== undefined) refuseExpired(table, shards, { ...now, position });
      const page = await reader.poll(options);
      isRead = true;
      return page;
    },
  };
}

/** Whether nothing of a shard is missing, as far as is known. */
export function isWhole(shards: Shards, note: ShardNote): boolean {
  const at = wholeAt(shards, note);
  return at !== undefined && Date.now() - at <= KEPT;
}

/** When it was known last that nothing of a shard was missing, in ms since 1970; undefined: nobody knows. */
export function wholeAt(shards: Shards, note: ShardNote): number | undefined {
  const { notedAt, parent, updatedAt } = note;
  const parentRead = parent === undefined ? undefined : readAt(shards.get(parent));
  if (notedAt !== undefined) return latest(notedAt, parentRead);
  // NimoShake notes no such time.
  return asUtc(updatedAt) ?? parentRead ?? newest(shards);
}

/**
 * The same for a shard that was never seen before. Its first record isn't older than the end of the shard it follows,
 * and that wasn't before it was last read.
 *
 * @param parentOf of the shards that aren't noted either
 * @returns 0: nobody knows
 */
export function foundAt(
  shards: Shards,
  id: string,
  parentOf: ReadonlyMap<string, string | undefined>,
): number {
  const seen = new Set<string>();
  let at = parentOf.get(id);
  while (at !== undefined && !shards.has(at) && !seen.has(at)) {
    seen.add(at);
    at = parentOf.get(at);
  }
  // One that nobody knows must not look as new as its row.
  return (at === undefined ? undefined : readAt(shards.get(at))) ?? newest(shards) ?? 0;
}

/**
 * Whether all shards that aren't over were read lately: what follows one of them can't have lost anything, whenever it is
 * listed.
 */
export function areReadLately(shards: Shards): boolean {
  const now = Date.now();
  return [...shards.values()].every((note) => isOver(note) || now - (readAt(note) ?? -Infinity) < LATELY);
}

/** When a shard was surely not at its end yet. */
function readAt(note: ShardNote | undefined): number | undefined {
  if (note === undefined) return undefined;
  const { notedAt, time, updatedAt } = note;
  if (notedAt === undefined && time === undefined) return asUtc(updatedAt);
  return latest(notedAt, time);
}

/** The later one of a time that this host noted and another one; undefined: nobody knows. */
function latest(notedAt: number | undefined, other: number | undefined): number | undefined {
  const known = notedAt === undefined || isAhead(notedAt) ? 0 : notedAt;
  return Math.max(known, other ?? 0) || undefined;
}

/** When any shard was read last: one that isn't known from then came later. */
function newest(shards: Shards): number | undefined {
  const times = [...shards.values()].map(readAt).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : times.reduce((one, other) => Math.max(one, other));
}

/** NimoShake writes its local time as if it were UTC: of both meanings the older one is the safe one. */
function asUtc(updatedAt: number | undefined): number | undefined {
  if (updatedAt === undefined || isAhead(updatedAt - FIRST_ZONE)) return undefined;
  return updatedAt + Math.min(0, new Date(updatedAt).getTimezoneOffset() * MINUTE);
}
