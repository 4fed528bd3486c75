/** The streams' positions, taken before the first Scan, and kept until the following begins. */
import { setTimeout as sleep } from "node:timers/promises";
import { expectAllChildren, expectChildren, findChildren, listed, settleChildren } from "./children.ts";
import type { Context } from "./context.ts";
import { type CopyStart, isReached, unreached } from "./copy-start.ts";
import { inParallel } from "./lanes.ts";
import { noteShards, type OpenStream } from "./open-stream.ts";
import type { Polls } from "./polls.ts";
import type { ShardReader } from "./roles.ts";
import { refuseExpired, wholeAt } from "./shard-age.ts";
import { createShardTree } from "./shards.ts";
import { openStreamCheckpoint, type ShardNote } from "./stream-checkpoint.ts";
import { createStreamProgress } from "./stream-progress.ts";
import { madeAnew, type Start } from "./stream-start.ts";
import type { Shard, ShardUnit, StreamPage, Table } from "./types.ts";

const SECOND = 1000;
/** Positions taken at once. */
const PROBES = 16;
/** Between two light reads of one shard: well below an iterator's 15 minutes, and few in all. */
const LIGHT = { least: 3 * SECOND, perShard: 0.05 * SECOND, most: 300 * SECOND };
/** How often the shards are listed while the full phase runs, so that none comes and goes unseen. */
const LISTING = 300 * SECOND;

const noHook = async (): Promise<void> => {};

/**
 * Opens a table's stream: enabled if need be, its shards' positions noted, in this run or in an earlier one.
 *
 * @throws MigrationError STREAM_GAP when positions aren't noted and can't be taken any more, or when the stream is
 * another one than theirs
 */
export async function openStream(
  ctx: Context,
  table: Table,
  polls: Polls,
  start: Start,
): Promise<OpenStream> {
  const progress = createStreamProgress();
  const checkpoint = await openStreamCheckpoint(ctx, table, (notes, at) => {
    for (const { id } of notes) {
      const shard = progress.shards.get(id);
      if (shard !== undefined) shard.savedAt = at;
    }
    stream.spool?.saved(notes);
  });
  const gone = [...checkpoint.gone].map((id) => ({ id, status: "done" }) as const);
  const tree = createShardTree([...checkpoint.shards.values(), ...gone]);
  const stream: OpenStream = {
    ctx,
    table,
    progress,
    checkpoint,
    polls,
    tree,
    readers: new Map(),
    orphans: new Map(),
    childless: new Map(),
  };
  try {
    await beginStream(stream, start);
    expectAllChildren(stream);
  } catch (error) {
    await checkpoint.retire().catch(() => {});
    throw error;
  }
  return stream;
}

/** Finds the positions noted, or takes them. */
async function beginStream(stream: OpenStream, start: Start): Promise<void> {
  const { ctx, table, checkpoint } = stream;
  const is = await ctx.role("streams").open(table, ctx.signal);
  const was = checkpoint.stream;
  if (was !== undefined && was !== is && checkpoint.shards.size > 0) throw madeAnew(table, was, is);
  const isAnew = checkpoint.shards.size === 0;
  if (isAnew && start === "noted") throw unreached(table);
  if (typeof start === "object" && !isReached(start, is)) throw unreached(table, start);
  if (was !== is) await checkpoint.begin(is);
  if (isAnew) await (typeof start === "object" ? takeAll(stream, start) : takePositions(stream));
  else if (was === undefined) await freshenStarts(stream);
  tellStart(stream, isAnew ? start : "noted");
}

function tellStart({ ctx, table: { name } }: OpenStream, start: Start): void {
  if (typeof start === "object") {
    ctx.log.info(
      `table ${name}: its stream is read from ${new Date(start.at).toISOString()}, when its copy began`,
    );
  } else if (ctx.config.sync_mode === "incr") {
    ctx.log.info(`table ${name}: its stream is read from ${start === "now" ? "now" : "the checkpoint"}`);
  }
}

/** Notes that every shard that is there is read from its oldest record, which is from before a copy. */
async function takeAll({ ctx, table, checkpoint, tree }: OpenStream, { at }: CopyStart): Promise<void> {
  const shards = await ctx.role("streams").shards(table, ctx.signal);
  const listed = new Set(shards.map(({ id }) => id));
  // What came before them has expired.
  const roots = shards.map(({ parent, ...shard }): Shard =>
    parent !== undefined && listed.has(parent) ? { ...shard, parent } : shard,
  );
  tree.list(roots);
  for (const { id, parent } of roots) {
    const base = { id, ...(parent !== undefined && { parent }), notedAt: at };
    checkpoint.note({ ...base, status: "waiting", position: { at: "horizon" } });
  }
  await checkpoint.flush();
}

/**
 * The original notes a quiet shard's first possible number as the place to begin at. No record need have it, and
 * the service calls it trimmed then: the oldest record is the same place.
 */
async function freshenStarts({ ctx, table, checkpoint }: OpenStream): Promise<void> {
  // What is saved by us has no other time from then on.
  const notedAt = (note: ShardNote): number => wholeAt(checkpoint.shards, note) ?? 0;
  for (const { id, first } of await ctx.role("streams").shards(table, ctx.signal)) {
    const note = checkpoint.shards.get(id);
    if (note?.status !== "waiting" || note.position.at !== "sequence") continue;
    const { inclusive, number } = note.position;
    if (!inclusive || number !== first) continue;
    checkpoint.note({ ...note, position: { at: "horizon" }, notedAt: notedAt(note) });
  }
}

/** Notes where every shard's reading will begin: closed ones are past, open ones begin at their end. */
async function takePositions(stream: OpenStream): Promise<void> {
  const { ctx, table, checkpoint, tree, readers, polls } = stream;
  const shards = await ctx.role("streams").shards(table, ctx.signal);
  stream.listedAt = performance.now();
  tree.begin(shards);
  const notedAt = Date.now();
  await inParallel(shards, PROBES, async ({ id, parent, last }) => {
    const base = { id, ...(parent !== undefined && { parent }), notedAt };
    if (last !== undefined) {
      checkpoint.note({ ...base, status: "skipped", position: { at: "horizon" } });
      return;
    }
    const reader = ctx.role("streams").read({ phase: "incr", table, shard: id }, { at: "latest" });
    readers.set(id, reader);
    checkpoint.note({ ...base, status: "waiting", position: { at: "latest" } });
    // The first request takes the iterator: what is written from now on comes after it.
    const options = { limit: 1, beforeRequest: noHook, signal: ctx.signal };
    look(stream, id, await polls.pace(reader).poll(options));
  });
  await checkpoint.flush();
}

/** What a light read says of a shard: its first record's position, its end, or that it is still quiet. */
function look({ checkpoint, readers, tree }: OpenStream, id: string, page: StreamPage): void {
  const note = checkpoint.shards.get(id)!;
  const [first] = page.records;
  if (first?.sequenceNumber !== undefined) {
    readers.delete(id);
    const position = { at: "sequence", number: first.sequenceNumber, inclusive: true } as const;
    checkpoint.note({ ...note, position, ...(first.time !== undefined && { time: first.time }) });
  } else if (page.ended && tree.ready().includes(id)) {
    readers.delete(id);
    tree.start(id);
    tree.finish(id);
    checkpoint.note({ ...note, status: "done" });
  } else {
    // Also one that has ended before the shard it follows: there was nothing in it.
    checkpoint.note({ ...note, notedAt: page.sentAt });
  }
}

/**
 * Keeps the positions of a table whose full phase runs: reads quiet shards lightly until a first record gives
 * a sequence number, for their iterators don't live long, and notes shards that are new, which are read in the same way.
 *
 * @returns to be called before the following begins
 */
export function keepPositions(stream: OpenStream): () => Promise<void> {
  const { ctx, table, readers, polls, childless } = stream;
  const done = new AbortController();
  const signal = AbortSignal.any([ctx.signal, done.signal]);
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});

  const searching = new Set<Promise<void>>();
  /** Shards whose end was seen here. */
  const ended = new Set<string>();

  function found(shards: Shard[]): void {
    for (const id of noteShards(stream, shards)) {
      if (stream.spool !== undefined) continue;
      // A light read tells of what is there now: it must not hide what has expired before.
      refuseExpired(table, stream.checkpoint.shards, stream.checkpoint.shards.get(id)!);
      const unit: ShardUnit = { phase: "incr", table, shard: id };
      readers.set(id, ctx.role("streams").read(unit, { at: "horizon" }));
    }
  }

  function search(id: string): void {
    const search = findChildren(stream, id, found, signal)
      .catch(fail)
      .finally(() => searching.delete(search));
    searching.add(search);
  }

  async function lightly([id, reader]: [string, ShardReader]): Promise<void> {
    const page = await polls.pace(reader).poll({ limit: 1, beforeRequest: noHook, signal });
    look(stream, id, page);
    if (!page.ended || ended.has(id)) return;
    ended.add(id);
    expectChildren(stream, id);
    search(id);
  }

  async function readLightly(): Promise<void> {
    for (const id of childless.keys()) search(id);
    while (!signal.aborted) {
      await pause(Math.min(Math.max(LIGHT.least, LIGHT.perShard * readers.size), LIGHT.most));
      if (!signal.aborted) await inParallel([...readers], PROBES, lightly);
    }
  }

  async function list(): Promise<void> {
    for (;;) {
      await pause(LISTING);
      if (signal.aborted) return;
      const shards = await listed(stream, () => ctx.role("streams").shards(table, signal), signal);
      if (shards === undefined) continue;
      stream.listedAt = performance.now();
      found(shards);
      settleChildren(stream);
    }
  }

  const fail = (error: unknown): void => {
    if (!signal.aborted) ctx.stop(error);
  };
  const running = Promise.all([readLightly().catch(fail), list().catch(fail)]);
  return async () => {
    done.abort();
    await running;
    await Promise.all(searching);
    await stream.checkpoint.flush();
  };
}
