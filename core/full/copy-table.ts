/** The full phase of one table: its segments are copied side by side, then its documents counted. */
import type { TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { createUnitPersister } from "../checkpoint/unit-persister.ts";
import { valuesOf } from "../flow/parallel.ts";
import { createSemaphore, type FairSemaphore } from "../flow/semaphore.ts";
import { createWriteLanes } from "../flow/write-lanes.ts";
import type { Context } from "../plugin/context.ts";
import { checkedUnits } from "../plugin/returned.ts";
import type { TableProgress } from "../progress/progress.ts";
import { confirmTable, stopBy } from "../stages/table-now.ts";
import type { Table } from "../types.ts";
import { copySegment, type TableCopy } from "./copy-segment.ts";
import { checkCounts } from "./counts.ts";
import { indexFirst } from "./first-indexes.ts";
import { createSegmentWriter } from "./segment-writer.ts";

/**
 * Copies a table's items, from where an earlier run had come to, and checks that all of them arrived.
 *
 * @param counters is kept up to date
 * @param readers requests to the source at once, shared by all tables
 * @param onCopied told when all is written, and is of that table: it is counted meanwhile
 * @returns the documents present at the target that were not written here
 * @throws MigrationError COUNT_MISMATCH when documents are missing, SOURCE_GONE when the table was deleted or made anew
 */
export async function copyTable(
  ctx: Context,
  table: Table,
  counters: TableProgress,
  checkpoint: TableCheckpoint,
  readers: FairSemaphore,
  onCopied: () => void = () => {},
): Promise<number> {
  const { config } = ctx;
  const persister = createUnitPersister(ctx, table, checkpoint);
  const writers = createWriteLanes(() => config["full.document.concurrency"]);
  const parsers = createSemaphore(() => config["full.document.parser"]);
  using _resizing = ctx.onSet(() => {
    writers.resized();
    parsers.resized();
  });
  const stop = stopBy(ctx, table);
  const fail = (thrown: unknown): Promise<unknown> => {
    if (!ctx.signal.aborted) counters.state = "failed";
    return stop(thrown);
  };
  const copy: TableCopy = {
    ctx,
    table,
    counters,
    readers,
    parsers,
    // What is copied again has its documents.
    ...(checkpoint.state?.round === undefined && {
      beforeOnlyPage: (items: number) => indexFirst(ctx, table, items),
    }),
    saved: () => persister.flush(),
    openWriter: (unit, from, memory) =>
      createSegmentWriter({ ctx, counters, writers, persister, fail }, unit, from, memory),
    fail,
  };
  const begun = checkedUnits(ctx.role("source").units(table, checkpoint.state?.units), table);
  const left = begun
    .map((unit) => ({ unit, from: checkpoint.unit(unit) }))
    .filter(({ from }) => from === undefined || from.position !== undefined);
  const ends = await Promise.allSettled(left.map(({ unit, from }) => copySegment(copy, unit, from)));
  // What is there is looked at while the last positions are saved.
  const [, surplus] = valuesOf(await Promise.allSettled([persister.flush(), compared()]));
  return surplus;

  async function compared(): Promise<number> {
    valuesOf(ends);
    // The source may have got other indexes meanwhile.
    const confirming = confirmTable(ctx, table).then(onCopied);
    const [, found] = valuesOf(await Promise.allSettled([confirming, checkCounts(ctx, table, counters)]));
    return found;
  }
}
