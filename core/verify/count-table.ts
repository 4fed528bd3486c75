/** A table's documents counted on both sides, without a look into them. */
import { copySegment } from "../full/copy-segment.ts";
import { valuesOf } from "../flow/parallel.ts";
import { createSemaphore } from "../flow/semaphore.ts";
import type { SegmentWriter } from "../full/segment-writer.ts";
import type { TableProgress } from "../progress/progress.ts";
import { beforeWrite } from "../stages/write.ts";
import { stopBy } from "../stages/table-now.ts";
import type { SegmentUnit, Table } from "../types.ts";
import type { CompareOptions } from "./compare-table.ts";
import { mayFollow, passed } from "./follower.ts";
import type { Compared } from "./report.ts";

/**
 * Counts both sides; while somebody writes they may differ by what is on its way.
 *
 * @param counters is kept up to date while the source is read
 * @param counts gets what came of it
 */
export async function countTable(
  options: Pick<CompareOptions, "ctx" | "readers" | "report" | "follower" | "note">,
  table: Table,
  counters: TableProgress,
  counts: Compared,
): Promise<void> {
  const { ctx, readers, report, follower } = options;
  const parsers = createSemaphore(() => ctx.config["full.document.parser"]);
  const openWriter = (unit: SegmentUnit): SegmentWriter => ({
    page() {},
    async start(batch) {
      const read = batch.length;
      const records = await beforeWrite(ctx, unit, batch);
      counters.written += records.length;
      counters.filtered += read - records.length;
    },
    async startEncoded({ ends }) {
      counters.written += ends.length;
    },
    settled: async () => {},
    check() {},
  });
  const counted = (): Promise<number> => ctx.role("target").count(table, ctx.signal);
  const looks = [await counted()];
  const units = ctx.role("source").units(table);
  const copy = { ctx, table, counters, readers, parsers, openWriter, fail: stopBy(ctx, table) };
  valuesOf(await Promise.allSettled(units.map((unit) => copySegment(copy, unit, undefined))));
  const at = Date.now();
  const expected = counters.written;
  looks.push(await counted());
  if (looks.at(-1) !== expected && !isBetween(expected, looks)) {
    await passed({ ...options, table }, at);
    looks.push(await counted());
  }
  // While a run follows, the source was counted at some time between.
  const there = mayFollow(ctx, follower) && isBetween(expected, looks) ? expected : looks.at(-1)!;
  if (there !== expected) {
    await report.add({ table: table.name, kind: "count", source: expected, target: there });
  }
  counts.compared = expected;
  counts.equal = Math.min(expected, there);
  counts.missing = Math.max(0, expected - there);
  counts.extra = Math.max(0, there - expected);
}

function isBetween(count: number, counts: number[]): boolean {
  return Math.min(...counts) <= count && count <= Math.max(...counts);
}
