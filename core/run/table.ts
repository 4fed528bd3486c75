/** The full phase of one table: its data, then its indexes. */
import type { TableCheckpoint, TableState } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { checkSurplus } from "../full/counts.ts";
import { runStep } from "../stages/error-policy.ts";
import { copyTable } from "../full/copy-table.ts";
import { checkIndexShapes } from "../schema/index-shape.ts";
import { valuesOf } from "../flow/parallel.ts";
import { indexPattern, planIndexes } from "../schema/indexes.ts";
import type { FairSemaphore } from "../flow/semaphore.ts";
import { takeUp } from "./take-up.ts";
import { overwrite } from "./resync.ts";
import type { TableProgress } from "../progress/progress.ts";
import { notesOf } from "../progress/table-notes.ts";
import { sweep } from "./sweep.ts";
import type { Table } from "../types.ts";

/** The indexes of so much, in items and in bytes, take no hours: they are built while it is counted whether all is there. */
const SMALL = { items: 1_000_000, bytes: 1024 ** 3 };

/** Why the source's secondary indexes aren't built, in words. */
const NOT_WANTED = "full.enable_index.user = false";

/** One table: its data, then its indexes; what an earlier run had finished is not done again. */
export async function migrateTable(
  ctx: Context,
  table: Table,
  counters: TableProgress,
  checkpoint: TableCheckpoint,
  readers: FairSemaphore,
): Promise<void> {
  const { state } = checkpoint;
  const again = state?.round !== undefined;
  if (state?.stage === "done") {
    counters.indexes = state.indexes ?? 0;
    // Those of a table that was only followed aren't noted, and their build may have been cut off.
    if (state.indexes !== undefined && !hasNewIndexes(ctx, table, state)) return;
    await buildIndexes(ctx, table, counters);
    await checkpoint.advance({ indexes: counters.indexes, secondary: secondaryNames(ctx, table) });
    return;
  }
  counters.startedAt = Date.now();
  let indexing: Promise<boolean> | undefined;

  function tellIndexing(): void {
    counters.state = "indexing";
    counters.indexingAt = Date.now();
  }

  /** What may take hours is noted. Gives whether an index is unique. */
  async function index(): Promise<boolean> {
    tellIndexing();
    const noted = checkpoint.advance({ stage: "indexing" });
    noted.catch((error: unknown) => ctx.stop(error));
    if (again) {
      // What is swept mustn't be copied again.
      await noted;
      await sweep(ctx, table, counters);
    }
    const [, unique] = valuesOf(await Promise.allSettled([noted, buildIndexes(ctx, table, counters)]));
    return unique;
  }

  let surplus = 0;
  if (!ctx.config["sync_schema_only"]) {
    counters.state = "copying";
    ctx.log.info(`start syncing table ${table.name}`);
    // Once its sweep has begun, a table copied again has no more documents to count.
    if (!again || state?.stage === "copying") {
      const copying = copyTable(ctx, table, counters, checkpoint, readers, () => {
        if (again || !isSmall(counters)) return;
        tellIndexing();
        indexing = buildIndexes(ctx, table, counters);
        indexing.catch(() => {});
      });
      try {
        surplus = await copying;
      } finally {
        // Nobody builds on behind the run's end.
        await Promise.allSettled([indexing]);
      }
    }
  }
  const unique = await (indexing ?? index());
  // Of what was skipped nobody knows whether it is there.
  if (!again) checkSurplus(ctx, table, surplus - counters.skipped, unique);
  await checkpoint.advance({
    stage: "done",
    indexes: counters.indexes,
    secondary: secondaryNames(ctx, table),
  });
  const { read, filtered, written } = counters;
  await ctx.call("table:after", { phase: "full", table, read, filtered, written });
  ctx.log.info(`finish syncing table ${table.name}: ${written} ${written === 1 ? "document" : "documents"}`);
}

const isSmall = ({ written, bytes }: TableProgress): boolean =>
  written <= SMALL.items && bytes <= SMALL.bytes;

/** The names of the secondary indexes that are made. */
function secondaryNames({ config }: Context, { secondary }: Table): string[] {
  return config["full.enable_index.user"] ? secondary.map(({ name }) => name) : [];
}

/** Whether a table that is followed has secondary indexes to be made since it was copied. */
function hasNewIndexes(ctx: Context, table: Table, { secondary }: TableState): boolean {
  if (ctx.config.sync_mode !== "all" || secondary === undefined) return false;
  return secondaryNames(ctx, table).some((name) => !secondary.includes(name));
}

/**
 * A table whose stream alone is followed: its key must be found fast, so its indexes are built if need be. One that
 * has to be copied again after a gap is copied.
 */
export async function prepareIncr(
  ctx: Context,
  table: Table,
  checkpoint: TableCheckpoint,
  readers: FairSemaphore,
): Promise<void> {
  const { state } = checkpoint;
  const counters = ctx.progress.tables.get(table.name)!;
  if (state?.stage !== "done") {
    takeUp(ctx, table, checkpoint);
    await overwrite(ctx, table);
    await migrateTable(ctx, table, counters, checkpoint, readers);
    return;
  }
  await buildIndexes(ctx, table, counters);
  if (state.made !== undefined) return;
  const made = await ctx.role("target").find(table, ctx.signal);
  if (made !== undefined) await checkpoint.advance({ made });
}

/** Builds a table's indexes; gives whether one of them is unique. */
async function buildIndexes(ctx: Context, table: Table, counters: TableProgress): Promise<boolean> {
  const user = ctx.config["full.enable_index.user"];
  const indexes = planIndexes(table, ctx.role("convert"), user);
  const event = { phase: "full" as const, table, indexes };
  const notes = notesOf(counters);
  if (!user) for (const { name } of table.secondary) notes.indexesLeftOut.set(name, NOT_WANTED);
  const build = async (): Promise<void> => {
    await ctx.call("index:before", event);
    // A hook may have stopped the run.
    ctx.signal.throwIfAborted();
    checkIndexShapes(event.indexes, table);
    ctx.log.debug(`indexes of ${table.name}: ${event.indexes.map(indexPattern).join(", ")}`);
    counters.indexes = await ctx.role("target").index(table, event.indexes, {
      signal: ctx.signal,
      onProgress: (share) => void (counters.indexShare = share),
      onLeftOut: (index, why) => void notes.indexesLeftOut.set(index, why),
    });
    notes.indexes = event.indexes.map(indexPattern);
    await ctx.call("index:after", event);
  };
  await runStep(ctx, { stage: "index", table }, build, (error) => {
    ctx.log.warn(`${error.message}: the indexes of table ${table.name} are left as they are`);
    for (const index of event.indexes) notes.indexesLeftOut.set(indexPattern(index), error.message);
  });
  const idIsKey = ctx.role("convert").fieldPath(table.keys.partition) === "_id";
  return ctx.role("target").guardsKeys || idIsKey || event.indexes.some((index) => index.unique);
}
