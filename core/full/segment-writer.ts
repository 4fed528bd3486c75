/** One unit's writes: batches leave in order, several at once, and what is acknowledged moves the checkpoint. */
import type { UnitState } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import type { Semaphore } from "../flow/semaphore.ts";
import { ENCODED, OBJECTS, type UnitMemory } from "../flow/memory-budget.ts";
import { createAckTracker } from "./ack-tracker.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { UnitPersister } from "../checkpoint/unit-persister.ts";
import type { SegmentUnit, SourceRecord, Table, WriteResult } from "../types.ts";
import type { EncodedBatch } from "../plugin/transcoder.ts";
import { beforeWrite, writeOut, type Written } from "../stages/write.ts";

/** What the writes of a table's units share. */
export interface SegmentWriterOptions {
  ctx: Context;
  table: Table;
  counters: TableProgress;
  /** Writes at once. */
  writers: Semaphore;
  persister: UnitPersister;
  /** Says what a failure was, and stops the run; gives what it ends with. */
  fail: (thrown: unknown) => Promise<unknown>;
}

/** One unit's writes on their way. */
export interface SegmentWriter {
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
 * @param memory the unit's part of the run's
 */
export function createSegmentWriter(
  options: SegmentWriterOptions,
  unit: SegmentUnit,
  from: UnitState | undefined,
  memory: UnitMemory,
): SegmentWriter {
  const { ctx, counters, writers, persister } = options;
  const target = ctx.role("target");
  const tracker = createAckTracker<UnitState>();
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
    const drop = (count: number): void => {
      counters.filtered += count;
      if (page !== undefined) page.filtered += count;
    };
    let sent = 0;
    let writing: Promise<Written>;
    try {
      // A hook may edit the array in place.
      const read = batch.length;
      const records = await beforeWrite(ctx, unit, batch);
      drop(read - records.length);
      await before;
      sent = records.length;
      if (sent === 0) return;
      writing = writeOut(ctx, unit, records, (some) => target.write({ unit, records: some }, ctx.abandon));
      // What is tried again must not come behind its successors: a target may know how much is there, not what.
      if (ctx.listens("error")) await writing;
      else writing.catch(() => {});
    } finally {
      resolve();
    }
    const { records, result } = await writing;
    drop(sent - records.length);
    count(result);
  }

  function count({ inserted, replaced, duplicates }: WriteResult): void {
    counters.written += inserted + replaced + duplicates;
  }

  async function launch(documents: number, bytes: number, work: () => Promise<void>): Promise<void> {
    const leave = await writers.acquire();
    if (failure !== undefined) {
      leave();
      throw failure.error;
    }
    const acknowledged = tracker.batchSent(documents);
    const held = memory.hold(bytes);
    const writing = finish(work, acknowledged).finally(() => {
      leave();
      held.release();
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
      await options.fail(error);
    }
  }

  /** Adds what is written without a hole to what is known of the unit. */
  function advance(): void {
    const pages = tracker.takeAcknowledged();
    for (const { position, read, filtered, overflowed, bytes } of pages) {
      reached = {
        ...(position && { position }),
        read: reached.read + read,
        filtered: reached.filtered + filtered,
        overflowed: reached.overflowed + overflowed,
        bytes: reached.bytes + bytes,
      };
    }
    if (pages.length > 0) persister.moved(unit, reached, pages.length);
  }

  return {
    page(documents, found) {
      newest = found;
      tracker.pageRead(documents, found);
      if (documents === 0) advance();
    },
    start: (batch) => {
      const page = newest;
      const { bytes = 0, read = 1 } = page ?? {};
      return launch(batch.length, Math.ceil((batch.length * OBJECTS * bytes) / Math.max(1, read)), () =>
        write(batch, page),
      );
    },
    startEncoded: (batch) =>
      launch(batch.ends.length, batch.bytes.length * ENCODED, async () =>
        count(await target.writeEncoded!(batch, ctx.abandon)),
      ),
    settled: async () => {
      await Promise.all(onTheWay);
    },
    check() {
      if (failure !== undefined) throw failure.error;
    },
  };
}
