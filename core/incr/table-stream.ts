/** A table's stream whose shards are noted, and the shards that turn up. */
import { streamGap } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import type { ShardReader } from "../plugin/roles.ts";
import type { PollPacer } from "./poll-pacer.ts";
import type { StreamProgress } from "../progress/stream-progress.ts";
import { foundAt } from "./shard-age.ts";
import type { ShardNote } from "../checkpoint/shard-note.ts";
import type { StreamCheckpoint } from "../checkpoint/stream-checkpoint.ts";
import type { ShardTree } from "./shard-tree.ts";
import type { Shard, Table } from "../types.ts";

/** A stream's shards, listed before anything was noted of them. */
export interface FirstLook {
  /** Which stream it was. */
  stream: string;
  shards: Shard[];
  /** By `performance.now()`. */
  at: number;
  /** This process has forgotten what was noted of it since, and noted nothing. */
  isForgotten?: boolean;
}

/** See the top of the file. */
export interface TableStream {
  ctx: Context;
  table: Table;
  progress: StreamProgress;
  checkpoint: StreamCheckpoint;
  polls: PollPacer;
  /** Which shard may start when. */
  tree: ShardTree;
  /** Readers that stand at their shards' positions already, by shard. */
  readers: Map<string, ShardReader>;
  /** Shards that wait for their parents to show up in a listing, and since when, in ms since 1970. */
  orphans: Map<string, number>;
  /** When all shards were listed last, by `performance.now()`; undefined: they are about to be, for the first time. */
  listedAt?: number;
  /** Shards that are over and whose children aren't known yet, and since when, in ms since 1970. */
  childless: Map<string, number>;
  /** Takes shards that are listed; missing: it isn't followed yet. */
  found?: (shards: Shard[]) => void;
  /** Holds what was read and is not applied yet; undefined: it is read when it is applied. */
  spool?: SpooledStream | undefined;
}

/** A table's stream on its way through the spool, see core/incr/spooled-stream.ts. */
export interface SpooledStream {
  /** Reads a shard into the spool from now on. */
  take(shard: string): void;
  /** A reader of what is behind a shard's position: first what is spooled, then the stream; undefined: not spooled. */
  reader(note: ShardNote): ShardReader | undefined;
  /** What is applied there may go: the shards' positions are saved. */
  saved(shards: ShardNote[]): void;
  /** Resolves when the run has stopped and what was read is durable. */
  stopped(): Promise<void>;
}

/** Notes that all shards were listed just now, and taken. */
export function noteListing(stream: TableStream): void {
  stream.listedAt = performance.now();
  stream.progress.isUnlisted = false;
}

/** A shard whose parent shows up in no listing for so long has none any more. */
export const PARENT_SHOWS: number = 60_000;

/**
 * Notes the shards that were never seen: they are read from their first record.
 *
 * @returns their identifiers
 * @throws MigrationError STREAM_GAP when one follows a shard that came and went unseen
 */
export function noteShards(stream: TableStream, shards: Shard[]): string[] {
  const { ctx, table, tree, checkpoint, orphans, progress } = stream;
  const parents = new Map(shards.map(({ id, parent }) => [id, parent]));
  const listed = tree.list(shards);
  const now = Date.now();
  for (const id of listed.found) {
    const parent = parents.get(id);
    checkpoint.note({
      id,
      ...(parent !== undefined && { parent }),
      status: "waiting",
      position: { at: "horizon" },
      // Not as of now: it may have had records for hours.
      notedAt: foundAt(checkpoint.shards, id, parents),
    });
    progress.waiting.add(id);
    stream.spool?.take(id);
  }
  notePast(stream, shards, listed);
  // Their parents may turn up among those that are past.
  if (orphans.size > 0) {
    for (const { id } of tree.nodes()) {
      if (orphans.delete(id) && !listed.found.includes(id)) progress.waiting.delete(id);
    }
  }
  for (const { id, parent } of listed.orphans) {
    const since = orphans.get(id) ?? now;
    orphans.set(id, since);
    progress.waiting.add(id);
    if (now - since <= Math.min(PARENT_SHOWS, ctx.patience / 2)) continue;
    throw streamGap(`shard ${parent} is gone before it was ever seen, ${id} follows it: table ${table.name}`);
  }
  return listed.found;
}

/**
 * Notes the shards that are past though no row tells of them: a listing had left them out. Without theirs it would look as
 * if the shard before them had no children yet.
 */
function notePast(
  { checkpoint }: TableStream,
  shards: Shard[],
  { found, orphans }: ReturnType<ShardTree["list"]>,
): void {
  const unnoted = shards.filter(({ id }) => !checkpoint.shards.has(id));
  if (unnoted.length === 0) return;
  const others = new Set([...checkpoint.gone, ...found, ...orphans.map(({ id }) => id)]);
  const parents = new Map(shards.map(({ id, parent }) => [id, parent]));
  for (const { id, parent } of unnoted) {
    if (others.has(id)) continue;
    const notedAt = foundAt(checkpoint.shards, id, parents);
    const base = { id, ...(parent !== undefined && { parent }), notedAt };
    checkpoint.note({ ...base, status: "skipped", position: { at: "horizon" } });
  }
}
