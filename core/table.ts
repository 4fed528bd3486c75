/** The full phase of one table: its data, then its indexes. */
import type { TableCheckpoint } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import { decide } from "./decide.ts";
import { MigrationError } from "./errors.ts";
import { copyTable } from "./full.ts";
import { indexPattern, planIndexes } from "./indexes.ts";
import type { FairLanes } from "./lanes.ts";
import { takeUp } from "./places.ts";
import { overwrite } from "./resync.ts";
import type { TableProgress } from "./progress.ts";
import { sweep } from "./sweep.ts";
import type { Table } from "./types.ts";

/** One table: its data, then its indexes; what an earlier run had finished is not done again. */
export async function migrateTable(
  ctx: Context,
  table: Table,
  counters: TableProgress,
  checkpoint: TableCheckpoint,
  readers: FairLanes,
): Promise<void> {
  const { state } = checkpoint;
  const again = state?.round !== undefined;
  if (state?.stage === "done") {
    counters.indexes = state.indexes ?? 0;
    return;
  }
  counters.startedAt = Date.now();
  let surplus = 0;
  if (!ctx.config["sync_schema_only"]) {
    counters.state = "copying";
    ctx.log.info(`start syncing table ${table.name}`);
    // Once its sweep has begun, a table copied again has no more documents to count.
    if (!again || state?.stage === "copying") {
      surplus = await copyTable(ctx, table, counters, checkpoint, readers);
    }
  }
  counters.state = "indexing";
  await checkpoint.advance({ stage: "indexing" });
  if (again) await sweep(ctx, table, counters);
  const unique = await buildIndexes(ctx, table, counters);
  // Of what was skipped nobody knows whether it is there.
  if (!again) checkSurplus(ctx, table, surplus - counters.skipped, unique);
  await checkpoint.advance({ stage: "done", indexes: counters.indexes });
  const { read, filtered, written } = counters;
  await ctx.call("table:after", { phase: "full", table, read, filtered, written });
  ctx.log.info(`finish syncing table ${table.name}: ${written} ${written === 1 ? "document" : "documents"}`);
}

/**
 * A table whose stream alone is followed: its key must be found fast, so its indexes are built if need be. One that
 * has to be copied again after a gap is copied.
 */
export async function prepareIncr(
  ctx: Context,
  table: Table,
  checkpoint: TableCheckpoint,
  readers: FairLanes,
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
  const build = async (): Promise<void> => {
    await ctx.call("index:before", event);
    ctx.log.debug(`indexes of ${table.name}: ${event.indexes.map(indexPattern).join(", ")}`);
    counters.indexes = await ctx.role("target").index(table, event.indexes, {
      signal: ctx.signal,
      onProgress: (share) => void (counters.indexShare = share),
    });
    await ctx.call("index:after", event);
  };
  await decide(ctx, { stage: "index", table }, build, (error) =>
    ctx.log.warn(`${error.message}: the indexes of table ${table.name} are left as they are`),
  );
  const idIsKey = ctx.role("convert").fieldPath(table.keys.partition) === "_id";
  return ctx.role("target").guardsKeys || idIsKey || event.indexes.some((index) => index.unique);
}

/**
 * More documents than were written: with a unique index on the key they can't be this run's, so somebody
 * else writes there. Without one nobody knows.
 */
function checkSurplus(ctx: Context, table: Table, surplus: number, unique: boolean): void {
  if (surplus <= 0) return;
  const what = `${surplus} documents more than were written: table ${table.name}`;
  if (!unique) {
    throw new MigrationError("COUNT_MISMATCH", what, {
      hint: "see whether another program writes there, then start again",
    });
  }
  ctx.log.warn(`${what}; their keys are others, so another program writes there`);
}
