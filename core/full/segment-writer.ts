/** One segment's writes: batches leave in order, several at once, and what is acknowledged moves the checkpoint. */
import { debugWrite } from "../plugin/debug.ts";
import type { UnitState } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { checkedResult } from "../plugin/returned.ts";
import type { WriteLanes } from "../flow/write-lanes.ts";
import { ENCODED, type UnitMemory } from "../flow/memory-budget.ts";
import { createAckTracker } from "./ack-tracker.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { UnitPersister } from "../checkpoint/unit-persister.ts";
import type { SegmentUnit, SourceRecord, WriteResult } from "../types.ts";
import type { EncodedBatch } from "../plugin/transcoder.ts";
import { beforeWrite, sum, writeOut, type Written } from "../stages/write.ts";

/** What the writes of a table's segments share. */
export interface SegmentWriterOptions {
  ctx: Context;
  counters: TableProgress;
  /** Writes at once. */
  writers: WriteLanes;
  persister: UnitPersister;
  /** Says what a failure was, and stops the run; gives what it ends with. */
  fail: (thrown: unknown) => Promise<unknown>;
}

/** One segment's writes on their way. */
export interface SegmentWriter {
  /**
   * A page has been read, of which so many documents are to be written.
   *
   * @param release called when all of it is written
   */
  page(documents: number, found: UnitState, release?: () => void): void;
  /**
   * Waits for a free lane, then sends without waiting for the answer.
   *
   * @param bytes what the records take in memory
   */
  start(records: SourceRecord[], bytes: number): Promise<void>;
  /** The same for documents encoded already. */
  startEncoded(batch: EncodedBatch): Promise<void>;
  /** Waits until none is on its way. */
  settled(): Promise<void>;
  /** Throws the first failure, if any. */
  check(): void;
}

/**
 * Makes a segment's writes.
 *
 * @param from what earlier runs had written of the segment
 * @param memory the segment's part of the run's
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
  let failure: { error: unknown } | undefined;
  /** Settles when the batch before has been handed to the target. */
  let handed: Promise<unknown> = Promise.resolve();

  /** Gives how many of the records hooks have left out. */
  async function write(batch: SourceRecord[]): Promise<number> {
    // A hook may edit the array in place.
    const read = batch.length;
    const { records, result } = await inOrder(beforeWrite(ctx, unit, batch), send);
    count(result);
    return read - records.length;
  }

  async function send(records: SourceRecord[]): Promise<Written> {
    if (records.length === 0) return { records, result: sum([]) };
    return writeOut(ctx, unit, records, (some) => target.write({ unit, records: some }, ctx.abandon));
  }

  async function writeEncoded(batch: EncodedBatch): Promise<number> {
    // What is written is given back, and may be empty then.
    const { length } = batch.bytes;
    const result = checkedResult(await inOrder(batch, (all) => target.writeEncoded!(all, ctx.abandon)));
    debugWrite(ctx, unit, result, length);
    count(result);
    return 0;
  }

  /**
   * Sends a batch when all before it are handed to the target, of whichever kind: a slow hook must not change the order.
   *
   * @param left what is left of it
   * @returns the target's answer
   */
  async function inOrder<Left, Answer>(
    left: Left | Promise<Left>,
    sendOut: (left: Left) => Promise<Answer>,
  ): Promise<Answer> {
    const handing = Promise.all([left, handed]).then(async ([all]) => {
      const answer = sendOut(all);
      // What is tried again must not come behind its successors: a target may know how much is there, not what.
      if (ctx.listens("error")) await answer;
      else answer.catch(() => {});
      return { answer };
    });
    handed = bothSettled(handing, handed);
    return (await handing).answer;
  }

  function count({ inserted, replaced, duplicates }: WriteResult): void {
    counters.written += inserted + replaced + duplicates;
  }

  /** @param work gives how many of the documents were left out */
  async function launch(documents: number, bytes: number, work: () => Promise<number>): Promise<void> {
    const leave = await writers.acquire();
    if (failure !== undefined) {
      leave();
      throw failure.error;
    }
    const acknowledge = tracker.batchSent(documents);
    const held = memory.hold(bytes);
    const writing = finish(work, acknowledge).finally(() => {
      leave();
      held.release();
      onTheWay.delete(writing);
    });
    onTheWay.add(writing);
  }

  async function finish(work: () => Promise<number>, acknowledge: (dropped: number) => void): Promise<void> {
    try {
      const dropped = await work();
      counters.filtered += dropped;
      acknowledge(dropped);
      advance();
    } catch (error) {
      failure ??= { error };
      // The source may be waiting for long: it must not go on until its next page.
      await options.fail(error);
    }
  }

  /** Adds what is written without a hole to what is known of the segment. */
  function advance(): void {
    const pages = tracker.takeAcknowledged();
    for (const { mark, dropped } of pages) {
      reached = {
        ...(mark.position && { position: mark.position }),
        read: reached.read + mark.read,
        filtered: reached.filtered + mark.filtered + dropped,
        overflowed: reached.overflowed + mark.overflowed,
        bytes: reached.bytes + mark.bytes,
      };
    }
    if (pages.length > 0) persister.moved(unit, reached, pages.length);
  }

  return {
    page(documents, found, release) {
      tracker.pageRead(documents, found, release);
      if (documents === 0) advance();
    },
    start: (batch, bytes) => launch(batch.length, bytes, () => write(batch)),
    startEncoded: (batch) =>
      launch(batch.ends.length, batch.bytes.length * ENCODED, () => writeEncoded(batch)),
    settled: async () => {
      await Promise.all(onTheWay);
    },
    check() {
      if (failure !== undefined) throw failure.error;
    },
  };
}

/** Without their values: one after the other they would be a list of all batches of the segment. */
async function bothSettled(one: Promise<unknown>, other: Promise<unknown>): Promise<void> {
  await Promise.allSettled([one, other]);
}
