/** Copying a table between a source and a target in memory. */
import { createFairSemaphore } from "../../core/flow/semaphore.ts";
import { openCheckpoint } from "../../core/checkpoint/run-checkpoint.ts";
import type { Context } from "../../core/plugin/context.ts";
import { copyTable } from "../../core/full/copy-table.ts";
import { type TableProgress, trackTable } from "../../core/progress/progress.ts";
import type { Source, Target } from "../../core/plugin/roles.ts";
import type { Table } from "../../core/types.ts";
import { memoryContext, memorySource, type MemoryTarget, numbered, page, testTable } from "./context.ts";

/** The table that is copied. */
export const TABLE: Table = testTable("pk");
/** Enough for every segment of a test. */
const READERS = 100;
/** Batches that a test can overlook. */
export const BATCH_OF_3 = { "full.document.write.batch": "3" };

/** Copies with these; gives what came of it. */
export async function copied(
  source: Source,
  target: Target,
  settings: Record<string, string> = {},
  plugin?: (ctx: Context) => void,
): Promise<{ ctx: Context; counters: TableProgress; surplus: Promise<number> }> {
  const ctx = await memoryContext(source, target, settings);
  plugin?.(ctx);
  const counters: TableProgress = trackTable(ctx.progress, TABLE);
  const run = await openCheckpoint(ctx, [TABLE], false);
  const surplus = copyTable(ctx, TABLE, counters, run.table(TABLE), createFairSemaphore(READERS));
  return { ctx, counters, surplus };
}

/** Segments of so many pages of so many items, numbered through. */
export function pages(sizes: number[][]): Source {
  let from = 0;
  const segments = sizes.map((segment) =>
    segment.map((size) => {
      from += size;
      return page(numbered(TABLE, from - size, size));
    }),
  );
  return memorySource(segments.map((pages) => () => pages));
}

/** Every key sent, in numeric order. */
export function sorted(target: MemoryTarget): number[] {
  return target.batches
    .flat()
    .map(Number)
    .sort((a, b) => a - b);
}
