/**
 * One shard's changes on their way to the target: converted as they come, collapsed and written in batches, one
 * batch at a time, while the next one gathers; what is acknowledged moves the position.
 */
import { collapse } from "./collapse.ts";
import type { Context } from "../plugin/context.ts";
import { convertRecords } from "../stages/convert.ts";
import { inParallel } from "../flow/parallel.ts";
import { type Held, OBJECTS, PAGE_BYTES } from "../flow/memory-budget.ts";
import type { StreamProgress } from "../progress/stream-progress.ts";
import type { ShardUnit, SourceRecord, StreamPage, WriteResult } from "../types.ts";
import { beforeWrite, sum, writeOut } from "../stages/write.ts";
import type { Settled } from "./tip.ts";

/** A batch gathers so many records at most before the shard is asked for more. */
const MOST_WAITING = 4000;
/** Or so many bytes as they were received. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Room for a page of a shard that has had few records, in bytes. */
const LITTLE = 64 * 1024;
/** A batch is written in pieces of so many, side by side: their keys differ. */
const PIECE = 1000;
const PIECES_AT_ONCE = 4;

/** How far a shard's changes are applied. */
export interface Reached {
  /** Of the last record applied, or dropped by a hook. */
  sequenceNumber?: string | undefined;
  /** When that record was made, in ms since 1970. */
  time?: number | undefined;
  /** When a request was sent that reached the tip, all of which is applied, in ms since 1970. */
  caughtUpAt?: number | undefined;
  /** The same of requests by which the shard was surely at its tip. */
  settled?: Settled | undefined;
}

/** See the top of the file. */
export interface ShardWriter {
  /** Waits until the run has room for another page; asked before each request, in its turn. */
  room(): Promise<void>;
  /**
   * Takes a page; resolves when there is room for another. Throws the first failure of a write.
   *
   * @param settled if the shard is surely at its tip with it
   */
  add(page: StreamPage, settled?: Settled): Promise<void>;
  /** Writes what has gathered; resolves when all of it is acknowledged. Throws the first failure. */
  drain(): Promise<void>;
  /** Resolves when nothing is on its way any more, whatever became of it. */
  settled(): Promise<void>;
}

/** What {@link createShardWriter} takes. */
export interface ShardWriterOptions {
  ctx: Context;
  unit: ShardUnit;
  progress: StreamProgress;
  /** Told after each acknowledged batch, and after each page without records. */
  onReached: (reached: Reached) => void;
}

interface Gathering extends Reached {
  records: SourceRecord[];
  bytes: number;
  /** The memory of its pages. */
  held: Held[];
}

/** Makes a shard's. */
export function createShardWriter({ ctx, unit, progress, onReached }: ShardWriterOptions): ShardWriter {
  const { table } = unit;
  const target = ctx.role("target");
  const memory = ctx.memory.unit("changes");
  /** Made for the page that is asked for. */
  let reserved: Held | undefined;
  /** The most bytes of the next page, as the last one lets think; of the first nobody knows. */
  let expected = PAGE_BYTES;
  let gathering: Gathering = { records: [], bytes: 0, held: [] };
  let writing: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  async function write(batch: Gathering): Promise<void> {
    const gathered = batch.records.length;
    const records = await beforeWrite(ctx, unit, collapse(batch.records, table.keys));
    const written = records.length > 0 ? await writeOut(ctx, unit, records, apply) : { records };
    const skipped = records.length - written.records.length;
    progress.filtered += skipped;
    progress.written += gathered - skipped;
    progress.batches++;
    onReached(batch);
  }

  async function apply(records: SourceRecord[]): Promise<WriteResult> {
    const pieces = Array.from({ length: Math.ceil(records.length / PIECE) }, (_, i) =>
      records.slice(i * PIECE, (i + 1) * PIECE),
    );
    const results = await inParallel(pieces, PIECES_AT_ONCE, (piece) =>
      target.apply!({ unit, records: piece }, ctx.abandon),
    );
    return sum(results);
  }

  /** Starts the next batch unless one is on its way; a page that brought nothing has nothing to wait for. */
  function kick(): void {
    if (writing !== undefined || failure !== undefined) return;
    const batch = gathering;
    gathering = { records: [], bytes: 0, held: [] };
    if (batch.records.length === 0) {
      free(batch);
      if (batch.sequenceNumber !== undefined || batch.caughtUpAt !== undefined) onReached(batch);
      return;
    }
    writing = finish(batch);
  }

  async function finish(batch: Gathering): Promise<void> {
    try {
      await write(batch);
    } catch (error) {
      failure = { error };
      ctx.stop(error);
    }
    free(batch);
    writing = undefined;
    kick();
  }

  function free({ held }: Gathering): void {
    for (const each of held) each.release();
  }

  async function settle(enough: () => boolean): Promise<void> {
    for (let now = writing; now !== undefined && !enough(); now = writing) await now;
    if (failure !== undefined) throw failure.error;
  }

  return {
    async room() {
      reserved ??= await memory.reserve(expected * OBJECTS, ctx.signal);
    },
    async add(page, settled) {
      // A page from the spool comes without a request, and nobody has asked for room.
      const held =
        reserved ?? (await memory.reserve(page.bytes * OBJECTS, ctx.signal).catch(() => memory.hold(0)));
      reserved = undefined;
      // A quiet shard reserves little, so that others find room.
      expected = Math.min(PAGE_BYTES, Math.max(LITTLE, 2 * page.bytes));
      held.resize(page.bytes * OBJECTS);
      gathering.held.push(held);
      // A hook may edit the array in place.
      const read = page.records.length;
      const last = page.records.at(-1);
      const lastNumber = last?.sequenceNumber;
      const lastTime = last?.time;
      const converted = read > 0 ? await convertRecords(ctx, unit, page.records) : undefined;
      const records = converted?.records ?? [];
      progress.overflowed += converted?.overflowed ?? 0;
      progress.read += read;
      progress.filtered += read - records.length;
      // Of an answer without records the service sends the frame: that is no data.
      if (read > 0) progress.bytes += page.bytes;
      gathering.records = gathering.records.length === 0 ? records : gathering.records.concat(records);
      gathering.bytes += page.bytes;
      if (lastNumber !== undefined) gathering.sequenceNumber = lastNumber;
      if (lastTime !== undefined) gathering.time = lastTime;
      // A later page short of the tip doesn't take this back: the shard lags from then on.
      if (page.tip) gathering.caughtUpAt = page.sentAt;
      gathering.settled = settled;
      kick();
      await settle(() => gathering.records.length < MOST_WAITING && gathering.bytes < MOST_BYTES);
    },
    async drain() {
      kick();
      await settle(() => false);
    },
    async settled() {
      await settle(() => false).catch(() => {});
      memory.close();
    },
  };
}
