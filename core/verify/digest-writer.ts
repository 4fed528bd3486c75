/** Where the documents of a segment go when they are compared: their digests into a log, and how far it is is noted. */
import type { UnitState } from "../checkpoint/run-checkpoint.ts";
import { createAckTracker } from "../full/ack-tracker.ts";
import type { SegmentWriter } from "../full/segment-writer.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { SegmentUnit } from "../types.ts";
import { type DigestLog, MOST_WAITING } from "./digest-log.ts";
import { encode } from "./encode.ts";
import { type LogState, type Pass, positioned, segmentLog, unread } from "./pass-state.ts";

/** What {@link createDigestWriter} takes. */
export interface DigestWriterOptions {
  ctx: Context;
  stored: Stored;
  counters: TableProgress;
  pass: Pass;
  log: DigestLog;
}

/** A segment's. */
export function createDigestWriter(options: DigestWriterOptions, unit: SegmentUnit): SegmentWriter {
  const { ctx, stored, counters, pass, log } = options;
  const { table } = unit;
  const name = segmentLog(unit);
  const tracker = createAckTracker<UnitState>();
  let reached: LogState = pass.state(name) ?? unread();

  function add(bytes: Uint8Array, ends: number[], dropped: number): void {
    const acknowledge = tracker.batchSent(ends.length + dropped);
    // An item has a key, and no converter loses it.
    stored.digest(table, bytes, ends, (key, digest) => log.append(key!, digest));
    counters.written += ends.length;
    counters.filtered += dropped;
    acknowledge(dropped);
    advance();
  }

  function advance(): void {
    const pages = tracker.takeAcknowledged();
    for (const { mark, dropped } of pages) {
      reached = {
        ...positioned(mark.position),
        read: reached.read + mark.read,
        filtered: reached.filtered + mark.filtered + dropped,
        overflowed: reached.overflowed + mark.overflowed,
        bytes: reached.bytes + mark.bytes,
        length: log.length,
        crc: log.crc,
        at: reached.at,
      };
    }
    if (pages.length > 0) pass.moved(name, reached);
  }

  /** A disk that is slower than the source makes it wait. */
  async function room(): Promise<void> {
    if (log.waiting > MOST_WAITING) await log.sync();
  }

  return {
    page(documents, found, release) {
      tracker.pageRead(documents, found, release);
      if (documents === 0) advance();
    },
    async start(batch) {
      const read = batch.length;
      const { records, bytes, ends } = await encode(ctx, unit, stored, batch);
      add(bytes, ends, read - records.length);
      await room();
    },
    async startEncoded({ bytes, ends, release }) {
      add(bytes, ends, 0);
      release?.();
      await room();
    },
    settled: async () => {},
    check() {},
  };
}
