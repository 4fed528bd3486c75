/** One unit's writes: batches leave in order, several at once, and what is acknowledged moves the checkpoint. */
import type { UnitState } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import type { RecordsEvent } from "./hooks.ts";
import type { Lanes } from "./lanes.ts";
import { createPrefix } from "./prefix.ts";
import type { TableProgress } from "./progress.ts";
import type { Saver } from "./saver.ts";
import type { EncodedBatch, SegmentUnit, SourceRecord, Table, Unit, WriteResult } from "./types.ts";

/** What the writes of a table's units share. */
export interface WriteOptions {
  ctx: Context;
  table: Table;
  counters: TableProgress;
  /** Writes at once. */
  writers: Lanes;
  saver: Saver;
}

/** One unit's writes on their way. */
export interface Writes {
  /** A page has been read, of which so many documents are to be written. */
  page(documents: number, found: UnitState): void;
  /** Waits for a free lane, then sends without waiting for the answer. */
  start(records: SourceRecord[]): Promise<void>;
  /** The same for documents encoded already. */
  startEncoded(batch: EncodedBatch): Promise<void>;
  /** Waits until none is on its way. */
  settled(): Promise<void>;
  /** Throws the first failure, if any. */
  check(): void;
}

/**
 * Makes a unit's writes.
 *
 * @param from what earlier runs had written of the unit
 */
export function createWrites(options: WriteOptions, unit: SegmentUnit, from: UnitState | undefined): Writes {
  const { ctx, counters, table, writers, saver } = options;
  const target = ctx.role("target");
  const prefix = createPrefix<UnitState>();
  const onTheWay = new Set<Promise<void>>();
  let reached: UnitState = from ?? { read: 0, filtered: 0, overflowed: 0, bytes: 0 };
  /** What the newest page brought. */
  let newest: UnitState | undefined;
  let failure: { error: unknown } | undefined;

  /** Resolves when the batch before has been handed to the target: a slow hook must not change the order. */
  let handed: Promise<void> = Promise.resolve();

  async function write(batch: SourceRecord[], page: UnitState | undefined): Promise<void> {
    const before = handed;
    const { promise, resolve } = Promise.withResolvers<void>();
    handed = promise;
    let records: SourceRecord[];
    let writing: Promise<WriteResult>;
    try {
      // A hook may edit the array in place.
      const read = batch.length;
      records = await edited(ctx, "write:before", unit, batch);
      const dropped = read - records.length;
      counters.filtered += dropped;
      if (page !== undefined) page.filtered += dropped;
      await before;
      if (records.length === 0) return;
      writing = target.write({ unit, records }, ctx.abandon);
    } finally {
      resolve();
    }
    const result = await writing;
    count(result);
    if (!ctx.listens("write:after")) return;
    await ctx.call("write:after", { phase: unit.phase, table, unit, records, result });
  }

  function count({ inserted, replaced, duplicates }: WriteResult): void {
    counters.written += inserted + replaced + duplicates;
  }

  async function launch(documents: number, work: () => Promise<void>): Promise<void> {
    const leave = await writers.enter();
    if (failure !== undefined) {
      leave();
      throw failure.error;
    }
    const acknowledged = prefix.batch(documents);
    const writing = finish(work, acknowledged).finally(() => {
      leave();
      onTheWay.delete(writing);
    });
    onTheWay.add(writing);
  }

  async function finish(work: () => Promise<void>, acknowledged: () => void): Promise<void> {
    try {
      await work();
      acknowledged();
      advance();
    } catch (error) {
      failure ??= { error };
      // The source may be waiting for long: it must not go on until its next page.
      ctx.stop(error);
    }
  }

  /** Adds what is written without a hole to what is known of the unit. */
  function advance(): void {
    const pages = prefix.reached();
    for (const { position, read, filtered, overflowed, bytes } of pages) {
      reached = {
        ...(position && { position }),
        read: reached.read + read,
        filtered: reached.filtered + filtered,
        overflowed: reached.overflowed + overflowed,
        bytes: reached.bytes + bytes,
      };
    }
    if (pages.length > 0) saver.moved(unit, reached, pages.length);
  }

  return {
    page(documents, found) {
      newest = found;
      prefix.page(documents, found);
      if (documents === 0) advance();
    },
    start: (batch) => {
      const page = newest;
      return launch(batch.length, () => write(batch, page));
    },
    startEncoded: (batch) =>
      launch(batch.ends.length, async () => count(await target.writeEncoded!(batch, ctx.abandon))),
    settled: async () => {
      await Promise.all(onTheWay);
    },
    check() {
      if (failure !== undefined) throw failure.error;
    },
  };
}

/** The records as a hook leaves them. */
export async function edited(
  ctx: Context,
  name: "convert:before" | "convert:after" | "write:before",
  unit: Unit,
  records: SourceRecord[],
): Promise<SourceRecord[]> {
  if (!ctx.listens(name)) return records;
  const event: RecordsEvent = { phase: unit.phase, table: unit.table, unit, records };
  await ctx.call(name, event);
  return event.records;
}
