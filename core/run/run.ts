import { availableParallelism } from "node:os";
import { findOriginal, saveStatus, settleConversion, isFollowed } from "./adopt-nimoshake.ts";
import { openCheckpoint, type RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { createContext, type Context, type ContextOptions, type OwnedContext } from "./context.ts";
import { decide } from "../stages/error-policy.ts";
import { MigrationError, toMigrationError } from "../errors.ts";
import { checkFollowing, checkStreams, openStreams } from "./streams.ts";
import { createFairLanes, type FairLanes, inParallel } from "../flow/semaphore.ts";
import { createLease, type Lease, type LeaseOptions } from "./lease.ts";
import { findPlaces, isToMake, makePlaces } from "./target-tables.ts";
import type { AnyPlugin } from "../plugin/plugin.ts";
import { type Progress, trackTable } from "../progress/progress.ts";
import { watchRetention } from "./retention.ts";
import type { Roles } from "../plugin/roles.ts";
import type { Adopted } from "../checkpoint/run-state.ts";
import { readLanes } from "../config/read-concurrency.ts";
import { forgetStream } from "../checkpoint/stream-checkpoint.ts";
import { migrateTable, prepareIncr } from "./table.ts";
import type { Table } from "../types.ts";
import { builtinPlugin } from "../../plugins/index.ts";

/** What {@link runMigration} takes beside the configuration. */
export interface MigrateOptions extends ContextOptions {
  /** Further plugins; they are set up first, and the built-in ones fill the roles they leave. */
  plugins?: AnyPlugin[];
  /** Their options, by plugin name. */
  pluginOptions?: Readonly<Record<string, unknown>>;
  /** Forgets what an unfinished run has left, and starts over. */
  fresh?: boolean;
  /** The keys that the user gave; a default may give way to what an earlier tool has begun. */
  given?: ReadonlySet<string>;
  /**
   * Told when the full phase of all tables is done; what follows is the incremental one.
   *
   * @param isNews an earlier start hasn't said so
   */
  onFullDone?: (isNews: boolean) => void;
  /** For tests: another length and clock of the lease. */
  lease?: LeaseOptions;
}

/** What is known before the first item is read. */
interface Prepared {
  tables: Table[];
  checkpoint: RunCheckpoint;
  /** There is something to copy, or an earlier start has not come to say that all is copied. */
  copies: boolean;
}

/**
 * Runs a migration from the first connection to the last index.
 *
 * @returns the counts of every table
 * @throws MigrationError the first failure; what it interrupted is closed
 */
export async function runMigration(options: MigrateOptions): Promise<Progress> {
  const config = { ...options.config };
  const ctx = createContext({ ...options, config });
  const lease = createLease(ctx, options.lease);
  ctx.guard(lease.hold);
  let failure: MigrationError | undefined;
  const attempt = async (work: () => void | PromiseLike<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // What follows a stop fails too: the reason to stop is what counts, and the first failure.
      failure ??= toMigrationError(ctx.signal.aborted ? ctx.signal.reason : error);
      // Nothing runs on after it.
      ctx.stop(failure);
    }
  };

  await attempt(async () => {
    await usePlugins(ctx, options);
    for (const role of ["source", "streams", "target", "checkpoint"] as const) await fill(ctx, role);
    config["convert.type"] = await settleConversion(ctx, options.given ?? new Set(), options.fresh ?? false);
    await fill(ctx, "convert");
    let { fresh = false } = options;
    const prepared = await decide(ctx, { stage: "setup" }, () =>
      prepare(ctx, lease, fresh, () => (fresh = false)),
    );
    const fullDone = options.onFullDone ?? ((): void => {});
    if (ctx.config.sync_mode === "full") {
      // An earlier run's positions cover what is written after them: the scan has to see all that was before.
      const covers = prepared.tables.some((table) => prepared.checkpoint.table(table).state?.noted);
      if (covers && !options.given?.has("full.read.consistent")) config["full.read.consistent"] = true;
      await full(ctx, prepared, createFairLanes(readLanes(ctx.config, availableParallelism())));
      await prepared.checkpoint.finish();
      if (!prepared.copies) ctx.log.info("there is nothing left to copy; --fresh copies again");
      fullDone(prepared.copies);
    } else await endless(ctx, prepared, fullDone);
  });
  await attempt(() => ctx.call("close", failure ? { error: failure } : {}));
  await attempt(() => lease.release());
  await attempt(() => ctx[Symbol.asyncDispose]());
  if (failure !== undefined) throw failure;
  return ctx.progress;
}

/** Sets up the plugins that were given; options of none of them are refused. */
async function usePlugins(
  ctx: OwnedContext,
  { plugins = [], pluginOptions = {} }: MigrateOptions,
): Promise<void> {
  const names = plugins.map(({ name }) => name);
  for (const name of Object.keys(pluginOptions)) {
    if (names.includes(name)) continue;
    throw new MigrationError("PLUGIN_INVALID", `options for a plugin that isn't used: plugin.${name}.*`, {
      hint: names.length > 0 ? `the plugins are ${names.join(", ")}` : "name its file in plugins",
    });
  }
  for (const plugin of plugins) await ctx.use(plugin, pluginOptions[plugin.name] ?? {});
}

/** Fills a role with the built-in plugin that the configuration names, unless a plugin that was given fills it. */
export async function fill(ctx: OwnedContext, role: keyof Roles): Promise<void> {
  if (ctx.isFilled(role)) return;
  const plugin = await builtinPlugin(role, ctx.config);
  if (plugin !== undefined) await ctx.use(plugin);
}

/**
 * Finds the tables, lets the hooks see them, and makes room at the target for those not begun yet. All that can be
 * refused is refused before anything is changed.
 *
 * @param begun told when the run is in the checkpoint: another try goes on with it
 */
async function prepare(ctx: Context, lease: Lease, fresh: boolean, begun: () => void): Promise<Prepared> {
  const { log, signal } = ctx;
  log.info("start fetching table list");
  let tables = await ctx.role("source").tables(signal);
  log.info(`finish fetching table list: ${tables.length} to migrate`);
  const event = { tables };
  await ctx.call("setup", event);
  const listed = tables.length;
  ({ tables } = event);
  if (tables.length === 0) throw nothingLeft(listed);
  for (const table of tables) {
    await ctx.call("table:before", { phase: "full", table });
    trackTable(ctx.progress, table);
  }
  await ctx.role("checkpoint").check?.(tables, signal);
  await ctx.role("target").check(tables, signal);
  await lease.take();
  const follows = ctx.config.sync_mode !== "full";
  if (follows) checkFollowing(ctx);
  const checkpoint = await openCheckpoint(ctx, tables, fresh);
  // Also those that join a run that has begun.
  const unknown = tables.filter((table) => checkpoint.table(table).state === undefined);
  const adopted = follows && !fresh ? await findOriginal(ctx, unknown) : [];
  const places = await findPlaces(ctx, tables, checkpoint, adopted, fresh);
  if (follows && places.some(isToMake)) await checkStreams(ctx, tables);
  await checkpoint.begin(adopted);
  begun();
  // The original may follow tables that aren't of this run: it would start over without it.
  if (follows && (fresh || !(await isFollowed(ctx)))) await ctx.role("checkpoint").clear("status");
  const copies = !checkpoint.copied || places.some(({ state }) => state?.stage !== "done");
  tellAdoption(ctx, adopted);
  if (follows) {
    for (const { table, state } of places) if (state === undefined) await forgetStream(ctx, table);
  }
  await makePlaces(ctx, places, checkpoint);
  return { tables, checkpoint, copies };
}

function nothingLeft(listed: number): MigrationError {
  const why = listed === 0 ? "the source lists none" : `plugins leave out all ${listed}`;
  return new MigrationError("TABLE_MISSING", `there is no table to migrate: ${why}`, {
    hint: "see which tables the source and the plugins give",
  });
}

function tellAdoption(ctx: Context, adopted: Adopted[]): void {
  if (adopted.length === 0) return;
  const names = adopted.map(({ table }) => table).join(", ");
  const { place } = ctx.role("checkpoint");
  ctx.log.info(`going on from the checkpoint of NimoShake, without a full phase: ${names} (${place})`);
}

/** The full phase, where it is asked for, and the changes made since before it began, until the run stops. */
async function endless(ctx: Context, prepared: Prepared, fullDone: (isNews: boolean) => void): Promise<void> {
  const { tables, checkpoint, copies } = prepared;
  const readers = createFairLanes(readLanes(ctx.config, availableParallelism()));
  const following = await openStreams(ctx, tables, checkpoint, readers);
  try {
    if (ctx.config.sync_mode === "all") {
      await saveStatus(ctx, "full_sync");
      using _watch = watchRetention(ctx);
      await full(ctx, prepared, readers, (table) => following.start(table));
      fullDone(copies);
      await checkpoint.finish();
    } else {
      await eachTable(ctx, prepared, async (table) => {
        await prepareIncr(ctx, table, checkpoint.table(table), readers);
        following.start(table);
      });
    }
    await saveStatus(ctx, "incr_sync");
  } catch (error) {
    ctx.stop(error);
    throw error;
  } finally {
    await following.stopped();
  }
  throw ctx.signal.reason;
}

/** The full phase of all tables. */
async function full(
  ctx: Context,
  prepared: Prepared,
  readers: FairLanes,
  onTable: (table: Table) => void = () => {},
): Promise<void> {
  await eachTable(ctx, prepared, async (table) => {
    const counters = ctx.progress.tables.get(table.name)!;
    try {
      await migrateTable(ctx, table, counters, prepared.checkpoint.table(table), readers);
      counters.state = "done";
      onTable(table);
    } catch (error) {
      counters.state = "failed";
      throw error;
    } finally {
      counters.finishedAt = Date.now();
    }
  });
}

/**
 * So many tables at once: those that are copied first, for their changes wait and don't wait for ever; then the largest,
 * so that none runs on alone.
 */
async function eachTable(
  ctx: Context,
  { tables, checkpoint }: Prepared,
  work: (table: Table) => Promise<void>,
): Promise<void> {
  const isLeft = (table: Table): number => Number(checkpoint.table(table).state?.stage !== "done");
  const order = tables.toSorted((a, b) => isLeft(a) - isLeft(b) || b.sizeBytes - a.sizeBytes);
  await inParallel(order, ctx.config["full.concurrency"], (table) =>
    work(table).catch((error: unknown) => {
      ctx.stop(error);
      throw error;
    }),
  );
}
