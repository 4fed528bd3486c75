/** The streams' positions, found or taken before the first Scan. */
import { expectAllChildren } from "./children.ts";
import { believed } from "../host/clock.ts";
import type { Context } from "../plugin/context.ts";
import { type CopyStart, isReached, unreached } from "../checkpoint/copy-start.ts";
import { openStreamNoted } from "../checkpoint/enabled-streams.ts";
import { inParallel } from "../flow/parallel.ts";
import { noteLightly, PROBES, readLightly } from "./light-reads.ts";
import type { FirstLook, TableStream } from "./table-stream.ts";
import type { PollPacer } from "./poll-pacer.ts";
import { areReadLately, wholeAt } from "./shard-age.ts";
import { createShardTree } from "./shard-tree.ts";
import type { ShardNote } from "../checkpoint/shard-note.ts";
import { openStreamCheckpoint } from "../checkpoint/stream-checkpoint.ts";
import { createStreamProgress } from "../progress/stream-progress.ts";
import { madeAnew, type Start } from "./stream-start.ts";
import { withParents } from "./unlisted-parents.ts";
import type { Shard, Table } from "../types.ts";

/** So far the clocks of a service's hosts are apart at most, in ms. */
const CLOCKS_APART = 5 * 60_000;

/**
 * Opens a table's stream: enabled if need be, its shards' positions noted, in this run or in an earlier one.
 *
 * @param look what was seen of it before, which needn't be asked for again: a shard that has ended since says so when it is
 * read, and what follows it is looked for then
 * @throws MigrationError STREAM_GAP when positions aren't noted and can't be taken any more, or when the stream is
 * another one than theirs
 */
export async function openStream(
  ctx: Context,
  table: Table,
  polls: PollPacer,
  start: Start,
  look?: FirstLook,
): Promise<TableStream> {
  const progress = createStreamProgress();
  const onSaved = (notes: ShardNote[], at: number): void => {
    for (const { id } of notes) {
      const shard = progress.shards.get(id);
      if (shard !== undefined) shard.savedAt = at;
    }
    stream.spool?.saved(notes);
  };
  const checkpoint = await openStreamCheckpoint(ctx, table, { onSaved, isForgotten: look?.isForgotten });
  const gone = [...checkpoint.gone].map((id) => ({ id, status: "done" }) as const);
  // Where a process was killed while it forgot a shard, that is among both.
  const tree = createShardTree([...gone, ...checkpoint.shards.values()]);
  const stream: TableStream = {
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
    await beginStream(stream, start, look);
    expectAllChildren(stream);
  } catch (error) {
    await checkpoint.retire().catch(() => {});
    throw error;
  }
  return stream;
}

/** Lists a stream's shards for the first time. */
export async function lookAt(ctx: Context, table: Table, stream: string): Promise<FirstLook> {
  const shards = await ctx.role("streams").shards(table, ctx.signal);
  return { stream, shards, at: performance.now() };
}

/** Finds the positions noted, or takes them. */
async function beginStream(stream: TableStream, start: Start, look?: FirstLook): Promise<void> {
  const { ctx, table, checkpoint } = stream;
  const is = await openStreamNoted(ctx, table, look?.stream);
  const was = checkpoint.stream;
  if (was !== undefined && was !== is && checkpoint.shards.size > 0) throw madeAnew(table, was, is);
  const isAnew = checkpoint.shards.size === 0;
  if (isAnew && start === "noted") throw unreached(table);
  if (typeof start === "object" && !isReached(start, is)) throw unreached(table, start);
  if (was !== is) await checkpoint.begin(is);
  if (!isAnew && was !== undefined && areReadLately(checkpoint.shards)) {
    // All that is known can be read at once; who keeps or follows the stream lists what is new since.
    stream.progress.isUnlisted = true;
    tellStart(stream, "noted");
    return;
  }
  const { shards, at } = look?.stream === is ? look : await lookAt(ctx, table, is);
  stream.listedAt = at;
  if (isAnew && typeof start === "object") await takeAll(stream, shards, start);
  else if (isAnew) await noteStartPositions(stream, shards);
  else {
    if (was === undefined) freshenStarts(stream, shards);
    noteLightly(stream, shards);
  }
  tellStart(stream, isAnew ? start : "noted");
}

function tellStart({ ctx, table: { name } }: TableStream, start: Start): void {
  if (typeof start === "object") {
    ctx.log.info(
      `table ${name}: its stream is read from ${new Date(start.at).toISOString()}, when its copy began`,
    );
  } else if (ctx.config.sync_mode === "incr") {
    ctx.log.info(`table ${name}: its stream is read from ${start === "now" ? "now" : "the checkpoint"}`);
  }
}

/** Notes that every shard that is there is read from its oldest record, which is from before a copy. */
async function takeAll(stream: TableStream, listed: Shard[], { at }: CopyStart): Promise<void> {
  const { checkpoint, tree } = stream;
  const shards = await withParents(stream, listed);
  tree.list(shards);
  for (const { id, parent } of shards) {
    const base = { id, ...(parent !== undefined && { parent }), notedAt: at };
    checkpoint.note({ ...base, status: "waiting", position: { at: "horizon" } });
  }
  await checkpoint.flush();
}

/**
 * NimoShake notes a quiet shard's first possible number as the place to begin at. No record need have it, and
 * the service calls it trimmed then: the oldest record is the same place.
 */
function freshenStarts({ checkpoint }: TableStream, shards: Shard[]): void {
  // What is saved by us has no other time from then on.
  const notedAt = (note: ShardNote): number => wholeAt(checkpoint.shards, note) ?? 0;
  for (const { id, first } of shards) {
    const note = checkpoint.shards.get(id);
    if (note?.status !== "waiting" || note.position.at !== "sequence") continue;
    const { inclusive, number } = note.position;
    if (!inclusive || number !== first) continue;
    checkpoint.note({ ...note, position: { at: "horizon" }, notedAt: notedAt(note) });
  }
}

/** Notes where every shard's reading will begin: closed ones are past, open ones begin at their end. */
async function noteStartPositions(stream: TableStream, shards: Shard[]): Promise<void> {
  const { ctx, table, checkpoint, tree, readers } = stream;
  tree.begin(shards);
  const notedAt = believed(Date.now());
  const clock = ctx.role("streams").clock?.();
  // What is older is in what the Scan reads; or, where there is none, not asked for. A clock that is ahead would leave out more.
  const since = clock === undefined ? {} : { since: Math.min(clock, notedAt) - CLOCKS_APART };
  const latest = { at: "latest", ...since } as const;
  // Saved with what their first requests tell; what was cut off is taken anew, see isLeftOver.
  for (const { id, parent, last } of shards) {
    const base = { id, ...(parent !== undefined && { parent }), notedAt };
    if (last === undefined) checkpoint.note({ ...base, ...since, status: "waiting", position: latest });
    else checkpoint.note({ ...base, status: "skipped", position: { at: "horizon" } });
  }
  const open = shards.filter(({ last }) => last === undefined);
  await inParallel(open, PROBES, async ({ id }) => {
    const reader = ctx.role("streams").read({ phase: "incr", table, shard: id }, latest);
    readers.set(id, reader);
    // The first request takes the iterator: what is written from now on comes after it.
    await readLightly(stream, id, reader, ctx.signal);
  });
  await checkpoint.flush();
}
