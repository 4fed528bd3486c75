import { availableParallelism } from "node:os";
import { openCheckpoint, type RunCheckpoint, type TableCheckpoint } from "./checkpoint.ts";
import { createContext, type Context, type ContextOptions } from "./context.ts";
import { MigrationError, toMigrationError } from "./errors.ts";
import { copyTable } from "./full.ts";
import { indexPattern, planIndexes } from "./indexes.ts";
import { createFairLanes, type FairLanes, inParallel } from "./lanes.ts";
import { makePlaces } from "./places.ts";
import type { AnyPlugin } from "./plugin.ts";
import { type Progress, type TableProgress, trackTable } from "./progress.ts";
import { readLanes } from "./segments.ts";
import type { Table } from "./types.ts";
import { builtinPlugins } from "../plugins/index.ts";

/** What {@link migrate} takes beside the configuration. */
export interface MigrateOptions extends ContextOptions {
  /** Further plugins, set up after the built-in ones. */
  plugins?: AnyPlugin[];
  /** Forgets what an unfinished run has left, and starts over. */
  fresh?: boolean;
}

/** What is known before the first item is read. */
interface Prepared {
  tables: Table[];
  checkpoint: RunCheckpoint;
}

/**
 * Runs a migration from the first connection to the last index.
 *
 * @returns the counts of every table
 * @throws MigrationError the first failure; what it interrupted is closed
 */
export async function migrate(options: MigrateOptions): Promise<Progress> {
  const ctx = createContext(options);
  let failure: MigrationError | undefined;
  const attempt = async (work: () => void | PromiseLike<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // What follows a stop fails too: the reason to stop is what counts, and the first failure.
      failure ??= toMigrationError(ctx.signal.aborted ? ctx.signal.reason : error);
    }
  };

  await attempt(async () => {
    const builtins = await builtinPlugins(ctx.config);
    for (const plugin of [...builtins, ...(options.plugins ?? [])]) await ctx.use(plugin);
    const prepared = await prepare(ctx, options.fresh ?? false);
    await full(ctx, prepared);
    await prepared.checkpoint.finish();
  });
  await attempt(() => ctx.call("close", failure ? { error: failure } : {}));
  await attempt(() => ctx[Symbol.asyncDispose]());
  if (failure !== undefined) throw failure;
  return ctx.progress;
}

/** Finds the tables, lets the hooks see them, and makes room at the target for those not begun yet. */
async function prepare(ctx: Context, fresh: boolean): Promise<Prepared> {
  const { log, signal } = ctx;
  log.info("start fetching table list");
  const tables = await ctx.role("source").tables(signal);
  log.info(`finish fetching table list: ${tables.length} to migrate`);
  await ctx.call("setup", { tables });
  for (const table of tables) {
    await ctx.call("table:before", { phase: "full", table });
    trackTable(ctx.progress, table);
  }
  await ctx.role("target").check(tables, signal);
  const checkpoint = await openCheckpoint(ctx, tables, fresh);
  await makePlaces(ctx, tables, checkpoint);
  return { tables, checkpoint };
}

/** The full phase: so many tables at once, the largest first, so that none runs on alone. */
async function full(ctx: Context, { tables, checkpoint }: Prepared): Promise<void> {
  const largestFirst = tables.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  const readers = createFairLanes(readLanes(ctx.config, availableParallelism()));
  await inParallel(largestFirst, ctx.config["full.concurrency"], async (table) => {
    const counters = ctx.progress.tables.get(table.name)!;
    try {
      await migrateTable(ctx, table, counters, checkpoint.table(table), readers);
      counters.state = "done";
    } catch (error) {
      counters.state = "failed";
      ctx.stop(error);
      throw error;
    } finally {
      counters.finishedAt = Date.now();
    }
  });
}

/** One table: its data, then its indexes; what an earlier run had finished is not done again. */
async function migrateTable(
  ctx: Context,
  table: Table,
  counters: TableProgress,
  checkpoint: TableCheckpoint,
  readers: FairLanes,
): Promise<void> {
  const { state } = checkpoint;
  if (state?.stage === "done") {
    counters.indexes = state.indexes ?? 0;
    return;
  }
  counters.startedAt = Date.now();
  let surplus = 0;
  if (!ctx.config["sync_schema_only"]) {
    counters.state = "copying";
    ctx.log.info(`start syncing table ${table.name}`);
    surplus = await copyTable(ctx, table, counters, checkpoint, readers);
  }
  counters.state = "indexing";
  await checkpoint.advance({ stage: "indexing" });
  const unique = await buildIndexes(ctx, table, counters);
  checkSurplus(ctx, table, surplus, unique);
  await checkpoint.advance({ stage: "done", indexes: counters.indexes });
  const { read, filtered, written } = counters;
  await ctx.call("table:after", { phase: "full", table, read, filtered, written });
  ctx.log.info(`finish syncing table ${table.name}: ${written} ${written === 1 ? "document" : "documents"}`);
}

/** Builds a table's indexes; gives whether one of them is unique. */
async function buildIndexes(ctx: Context, table: Table, counters: TableProgress): Promise<boolean> {
  const user = ctx.config["full.enable_index.user"];
  const indexes = planIndexes(table, ctx.role("convert"), user);
  const event = { phase: "full" as const, table, indexes };
  await ctx.call("index:before", event);
  ctx.log.debug(`indexes of ${table.name}: ${event.indexes.map(indexPattern).join(", ")}`);
  counters.indexes = await ctx.role("target").index(table, event.indexes, {
    signal: ctx.signal,
    onProgress: (share) => void (counters.indexShare = share),
  });
  await ctx.call("index:after", event);
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
