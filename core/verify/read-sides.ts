/** The first pass over a table: both sides are read side by side, and digested into logs. */
import { copySegment, type TableCopy } from "../full/copy-segment.ts";
import { valuesOf } from "../flow/parallel.ts";
import { createSemaphore, type FairSemaphore } from "../flow/semaphore.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import type { TableProgress } from "../progress/progress.ts";
import { stopBy } from "../stages/table-now.ts";
import type { SegmentUnit, Table } from "../types.ts";
import { type LogFile, MOST_WAITING } from "./digest-log.ts";
import { createDigestWriter } from "./digest-writer.ts";
import { type Pass, positioned, segmentLog, TARGET_LOG, unread } from "./pass-state.ts";

/** What reading takes. */
export interface ReadSides {
  ctx: Context;
  table: Table;
  stored: Stored;
  counters: TableProgress;
  pass: Pass;
  /** Requests to the source at once, shared by all tables. */
  readers: FairSemaphore;
}

/**
 * Reads both sides to their ends, from where an earlier process had come to.
 *
 * @returns the source's logs, and the documents that the target had
 */
export async function readSides(sides: ReadSides): Promise<{ source: LogFile[]; documents: number }> {
  const { ctx, table, pass } = sides;
  const units = ctx.role("source").units(table, pass.segments);
  if (pass.segments === undefined) await pass.begin(units.length);
  const ends = await Promise.allSettled([readSource(sides, units), readTarget(sides)]);
  await pass.flush();
  const [, documents] = valuesOf<[void, number]>(ends);
  return { source: units.map((unit) => pass.fileOf(segmentLog(unit))), documents };
}

async function readSource(
  { ctx, table, stored, counters, pass, readers }: ReadSides,
  units: SegmentUnit[],
): Promise<void> {
  const copy: Omit<TableCopy, "openWriter"> = {
    ctx,
    table,
    counters,
    readers,
    parsers: createSemaphore(() => ctx.config["full.document.parser"]),
    fail: stopBy(ctx, table),
    wholePages: true,
  };
  const ends = await Promise.allSettled(
    units.map(async (unit) => {
      const from = pass.state(segmentLog(unit));
      if (from !== undefined) {
        counters.read += from.read;
        counters.filtered += from.filtered;
        counters.written += from.read - from.filtered;
        counters.resumed += from.read;
        counters.bytes += from.bytes;
        counters.resumedBytes += from.bytes;
        if (from.position === undefined) return;
      }
      const log = await pass.open(segmentLog(unit));
      const openWriter = (): ReturnType<typeof createDigestWriter> =>
        createDigestWriter({ ctx, stored, counters, pass, log }, unit);
      await copySegment({ ...copy, openWriter }, unit, from);
    }),
  );
  valuesOf(ends);
}

async function readTarget({ ctx, table, stored, pass }: ReadSides): Promise<number> {
  let reached = pass.state(TARGET_LOG) ?? unread();
  if (pass.state(TARGET_LOG) !== undefined && reached.position === undefined) return reached.read;
  const log = await pass.open(TARGET_LOG);
  try {
    for await (const { bytes, ends, position } of stored.read(table, reached.position, ctx.signal)) {
      stored.digest(table, bytes, ends, (key, digest, index) => {
        if (key !== undefined) log.append(key, digest);
        else log.appendStranger(idText(stored, bytes.subarray(ends[index - 1] ?? 0, ends[index])));
      });
      const read = reached.read + ends.length;
      reached = { ...unread(), ...positioned(position), read, length: log.length, crc: log.crc };
      pass.moved(TARGET_LOG, reached);
      if (log.waiting > MOST_WAITING) await log.sync();
      ctx.signal.throwIfAborted();
    }
    // What has no document has no page.
    reached = { ...unread(), read: reached.read, length: log.length, crc: log.crc };
    pass.moved(TARGET_LOG, reached);
    return reached.read;
  } catch (error) {
    ctx.stop(error);
    throw error;
  }
}

/** The identifier of a document that has no key of the table's. */
function idText(stored: Stored, document: Uint8Array): string {
  return JSON.stringify(stored.idOf?.(document) ?? null);
}
