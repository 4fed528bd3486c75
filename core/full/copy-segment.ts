/** One segment of a table, from its first page to the acknowledgement of its last batch. */
import { debugPage } from "../plugin/debug.ts";
import type { UnitState } from "../checkpoint/run-checkpoint.ts";
import { inLanes, readAhead } from "../flow/read-ahead.ts";
import type { Leave } from "../flow/gate.ts";
import type { Held, UnitMemory } from "../flow/memory-budget.ts";
import type { FairSemaphore, Semaphore } from "../flow/semaphore.ts";
import type { Context } from "../plugin/context.ts";
import type { TableProgress } from "../progress/progress.ts";
import { startLaps } from "../progress/stage-times.ts";
import type { Page, SegmentUnit, Table } from "../types.ts";
import { createPageSink } from "./page-sink.ts";
import { readPages } from "./read-pages.ts";
import type { SegmentWriter } from "./segment-writer.ts";

/** What the segments of one table share. */
export interface TableCopy {
  ctx: Context;
  table: Table;
  counters: TableProgress;
  /** `full.document.parser` conversions at once. */
  parsers: Semaphore;
  /** Requests to the source at once, shared by all tables. */
  readers: FairSemaphore;
  /**
   * Where a segment's documents go.
   *
   * @param from what earlier runs had done of the segment
   * @param memory the segment's part of the run's
   */
  openWriter: (unit: SegmentUnit, from: UnitState | undefined, memory: UnitMemory) => SegmentWriter;
  /** Told of a table that has one page, before its first write, how many items that has. */
  beforeOnlyPage?: (items: number) => Promise<void>;
  /** Resolves when what is written is saved; missing: nothing is. */
  saved?: () => Promise<void>;
  /** Each page's documents are a batch, whatever their number: nobody has to wait for it. */
  wholePages?: boolean;
  /** Says what a failure was, and stops the run; gives what it ends with. */
  fail: (thrown: unknown) => Promise<unknown>;
}

/** Documents wait so long at most for their batch to fill while pages come, in ms. */
const LATE = 500;
/** A batch has no more documents: MongoDB's answer must have room for what it says of each. */
const MOST_DOCUMENTS = 20_000;
/** A batch holds about so many bytes of the source's at most: larger ones are no faster, and fill the memory. */
const BATCH_BYTES = 2 * 1024 * 1024;

/**
 * Copies a segment, from where an earlier run had come to.
 *
 * @param from what earlier runs had written of it
 * @throws what the run ends with, see {@link TableCopy.fail}
 */
export async function copySegment(
  copy: TableCopy,
  unit: SegmentUnit,
  from: UnitState | undefined,
): Promise<void> {
  const { ctx, table, counters, wholePages = false } = copy;
  const { signal } = ctx;
  const memory = ctx.memory.unit("pages");
  /** What it has read isn't all written and saved. */
  let leave: Leave | undefined;
  const lap = startLaps(counters);
  const writer = copy.openWriter(unit, from, memory);
  const sink = createPageSink(ctx, unit, writer);
  const pages = readPages(ctx, unit, from?.position, memory, () => sink.weight);
  const ahead = readAhead(inLanes(pages, copy.readers, table.name));
  // A hook that drops records of a batch drops them of one page, so that every page's count is known.
  const pageByPage = wholePages || ctx.listens("write:before") || ctx.listens("error");
  const mostDocuments = wholePages
    ? Number.POSITIVE_INFINITY
    : (ctx.config["full.document.write.batch"] ?? MOST_DOCUMENTS);
  /** Documents in a full batch. */
  let batchSize = mostDocuments;
  let sentAt = performance.now();
  /** Of what waits for its batch to fill. */
  const waiting = memory.hold(0);
  /** Of the page that is taken. */
  let taken: Held | undefined;

  /** Takes a page's documents to where they wait; gives how many items it had. */
  async function add(page: Page): Promise<number> {
    const { position } = page;
    const added = await sink.add(page);
    debugPage(ctx, unit, page, added);
    const { read, documents, overflowed, release } = added;
    // Of a page without items the service sends the frame: that is no data.
    const bytes = read > 0 ? page.bytes : 0;
    const filtered = read - documents;
    counters.bytes += bytes;
    if (read > 0) counters.pages = (counters.pages ?? 0) + 1;
    counters.read += read;
    counters.filtered += filtered;
    counters.overflowed += overflowed;
    const found = { ...(position && { position }), read, filtered, overflowed, bytes };
    writer.page(documents, found, release);
    const average = Math.ceil(bytes / Math.max(1, read));
    batchSize = Math.max(1, Math.min(mostDocuments, Math.floor(BATCH_BYTES / average)));
    return read;
  }

  /** Sends what waits in full batches; the rest as well when it should wait no longer. */
  async function send(all: boolean): Promise<void> {
    while (sink.waiting >= (all ? 1 : batchSize)) {
      sentAt = performance.now();
      await sink.send(Math.min(sink.waiting, batchSize));
    }
    waiting.resize(sink.bytesWaiting);
  }

  /** A pause leaves no documents waiting for a batch that doesn't fill, and nothing unsaved. */
  async function atRest(): Promise<void> {
    await send(true);
    await writer.settled();
    writer.check();
    await copy.saved?.();
    leave?.();
    leave = undefined;
  }

  let isFirst = from === undefined && unit.segments === 1;
  /** A loop that waits for its next page would keep the last one in memory, a function that has returned doesn't. */
  async function step(): Promise<boolean> {
    const asked = ahead.next();
    if (await ctx.gate.closesBefore(asked)) await atRest();
    const { done, value } = await asked;
    lap("fetchMs");
    if (done) return false;
    taken = value.room;
    leave ??= ctx.gate.inside();
    value.leave();
    const isOnly = isFirst && value.page.position === undefined;
    isFirst = false;
    const items = await copy.parsers.run(() => add(value.page));
    lap("convertMs");
    if (isOnly) await copy.beforeOnlyPage?.(items);
    // A slow source doesn't fill a batch for long, and the position must not stay behind.
    await send(pageByPage || ctx.memory.isTight || performance.now() - sentAt > LATE);
    lap("writeMs");
    taken.release();
    signal.throwIfAborted();
    return true;
  }

  try {
    while (await step());
    await send(true);
    await writer.settled();
    lap("writeMs");
    writer.check();
    // A pause has come to rest when nobody is inside. What saving fails with the table's last save throws.
    if (leave !== undefined)
      void copy
        .saved?.()
        .catch(() => {})
        .then(leave);
    if (copy.saved !== undefined) leave = undefined;
  } catch (thrown) {
    // What has failed is looked into for a while, and others may wait for room.
    taken?.release();
    waiting.release();
    throw await copy.fail(thrown);
  } finally {
    await ahead.return();
    await writer.settled();
    memory.close();
    leave?.();
  }
}
