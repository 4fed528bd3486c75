/** A run as a whole: plugins, preparation, the full phase, the incremental one, the end. */
import { availableParallelism } from "node:os";
import { chooseConversion } from "./adopt-nimoshake.ts";
import { saveStatus } from "../checkpoint/nimoshake-status.ts";
import type { OwnedContext } from "./context.ts";
import { inSession, type SessionOptions } from "./session.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import { MigrationError } from "../errors.ts";
import type { Verdict } from "../verify/verify.ts";
import { verifyCopied, verifyFollowed } from "./after-full.ts";
import { openStreams } from "./streams.ts";
import { createFairSemaphore, type FairSemaphore } from "../flow/semaphore.ts";
import { inParallel } from "../flow/parallel.ts";
import type { AnyPlugin, Plugin } from "../plugin/plugin.ts";
import type { Progress } from "../progress/progress.ts";
import { watchRetention } from "./retention.ts";
import type { Roles } from "../plugin/roles.ts";
import type { Config } from "../config/config.ts";
import { readLanes } from "../config/read-concurrency.ts";
import { migrateTable, prepareIncr } from "./table.ts";
import type { Table } from "../types.ts";
import { prepare, type Prepared } from "./prepare.ts";

/** Gives the plugin that fills a role as a configuration asks; undefined: it asks for none. */
export type Builtins = (role: keyof Roles, config: Config) => Promise<Plugin | undefined>;

/** What {@link runMigration} takes beside the configuration. */
export interface MigrateOptions extends SessionOptions {
  /** The plugins that fill the roles which `plugins` leave. */
  builtins: Builtins;
  /** Further plugins; they are set up first. */
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
  /** Told what the comparison has found that `verify.after_full` asks for. */
  onVerified?: (verdict: Verdict) => void;
}

/**
 * Runs a migration from the first connection to the last index.
 *
 * @returns the counts of every table
 * @throws MigrationError the first failure; what it interrupted is closed
 */
export function runMigration(options: MigrateOptions): Promise<Progress> {
  return inSession(options, async ({ ctx, lease, config }) => {
    await fillRoles(ctx, config, options);
    let { fresh = false } = options;
    const prepared = await runStep(ctx, { stage: "setup" }, () =>
      prepare(ctx, lease, fresh, () => (fresh = false)),
    );
    const fullDone = options.onFullDone ?? ((): void => {});
    const onVerified = options.onVerified ?? ((): void => {});
    if (ctx.config.sync_mode === "full") {
      // An earlier run's positions cover what is written after them: the scan has to see all that was before.
      const covers = prepared.tables.some((table) => prepared.checkpoint.table(table).state?.noted);
      if (covers && !options.given?.has("full.read.consistent")) config["full.read.consistent"] = true;
      ctx.progress.phase = "full";
      await full(ctx, prepared, createFairSemaphore(readLanes(ctx.config, availableParallelism())));
      if (prepared.copies) await verifyCopied(ctx, prepared.tables, onVerified);
      await prepared.checkpoint.finish();
      if (!prepared.copies) ctx.log.info("there is nothing left to copy; --fresh copies again");
      fullDone(prepared.copies);
    } else await endless(ctx, prepared, fullDone, onVerified);
    ctx.progress.phase = "done";
    return ctx.progress;
  });
}

/**
 * Sets up the plugins that were given, and the built-in ones for the roles that they leave.
 *
 * @param config gets the conversion that goes with what an earlier run has left
 */
export async function fillRoles(
  ctx: OwnedContext,
  config: Config,
  options: Omit<MigrateOptions, "config">,
): Promise<void> {
  await usePlugins(ctx, options);
  for (const role of ["source", "streams", "target", "checkpoint"] as const)
    await fill(ctx, role, options.builtins);
  config["convert.type"] = await chooseConversion(ctx, options.given ?? new Set(), options.fresh ?? false);
  await fill(ctx, "convert", options.builtins);
}

/** Sets up the plugins that were given; options of none of them are refused. */
async function usePlugins(
  ctx: OwnedContext,
  { plugins = [], pluginOptions = {} }: Omit<MigrateOptions, "config">,
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
export async function fill(ctx: OwnedContext, role: keyof Roles, builtins: Builtins): Promise<void> {
  if (ctx.isFilled(role)) return;
  const plugin = await builtins(role, ctx.config);
  if (plugin !== undefined) await ctx.use(plugin);
}

/** The full phase, where it is asked for, and the changes made since before it began, until the run stops. */
async function endless(
  ctx: Context,
  prepared: Prepared,
  fullDone: (isNews: boolean) => void,
  onVerified: (verdict: Verdict) => void,
): Promise<void> {
  const { tables, checkpoint, copies } = prepared;
  const readers = createFairSemaphore(readLanes(ctx.config, availableParallelism()));
  const following = await openStreams(ctx, tables, checkpoint, readers);
  let verifying: Promise<void> | undefined;
  try {
    if (ctx.config.sync_mode === "all") {
      ctx.progress.phase = "full";
      await saveStatus(ctx, "full_sync");
      using _watch = watchRetention(ctx);
      await full(ctx, prepared, readers, (table) => following.start(table));
      ctx.progress.phase = "incr";
      fullDone(copies);
      await checkpoint.finish();
      if (copies) verifying = verifyFollowed(ctx, tables, onVerified);
    } else {
      ctx.progress.phase = "incr";
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
    await verifying;
  }
  throw ctx.signal.reason;
}

/** The full phase of all tables. */
async function full(
  ctx: Context,
  prepared: Prepared,
  readers: FairSemaphore,
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
