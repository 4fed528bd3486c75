/** A run as a whole: plugins, preparation, the full phase, the incremental one, the end. */
import { availableParallelism } from "node:os";
import { saveStatus } from "../checkpoint/nimoshake-status.ts";
import { fillRoles, type RoleOptions } from "./fill-roles.ts";
import { inSession, type SessionOptions, SWITCHED_OVER } from "./session.ts";
import { createRunControl, type OwnedRunControl } from "./steering.ts";
import type { SteeredRun } from "./switchover.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import { toMigrationError } from "../errors.ts";
import type { Verdict } from "../verify/verify.ts";
import { verifyCopied, verifyFollowed } from "./after-full.ts";
import { openStreams, type StreamFollower } from "./streams.ts";
import { createFairSemaphore, createSemaphore, type FairSemaphore } from "../flow/semaphore.ts";
import { inParallel } from "../flow/parallel.ts";
import { deleted } from "../stages/table-now.ts";
import { type Newcomers, watchNewcomers } from "./newcomers.ts";
import type { Progress } from "../progress/progress.ts";
import { watchRetention } from "./retention.ts";
import { watchPages } from "./small-pages.ts";
import { readLanes } from "../config/read-concurrency.ts";
import { migrateTable, prepareIncr } from "./table.ts";
import type { Table } from "../types.ts";
import { prepare, type Prepared } from "./prepare.ts";

/** What {@link runMigration} takes beside the configuration. */
export interface MigrateOptions extends SessionOptions, RoleOptions {
  /** Follows the source again though the migration was switched over. */
  again?: boolean;
  /** What steers it, made for this run: see {@link createRunControl}. */
  control?: OwnedRunControl;
  /** Told when all plugins are set up: the roles may be asked from then on, until the run's end. */
  onRoles?: (ctx: Context) => void;
  /**
   * Told when the full phase of all tables is done; what follows is the incremental one.
   *
   * @param isNews an earlier start hasn't said so
   */
  onFullDone?: (isNews: boolean) => void;
  /** Told what a comparison has found that `verify.after_full` or a switch-over asks for. */
  onVerified?: (verdict: Verdict) => void;
}

/**
 * Runs a migration from the first connection to the last index.
 *
 * @returns the counts of every table
 * @throws MigrationError the first failure; what it interrupted is closed
 */
export async function runMigration(options: MigrateOptions): Promise<Progress> {
  const { control = createRunControl() } = options;
  try {
    const progress = await migrated(options, control);
    control.end();
    return progress;
  } catch (error) {
    control.end(error);
    throw error;
  }
}

function migrated(options: MigrateOptions, control: OwnedRunControl): Promise<Progress> {
  return inSession({ ...options, gate: control.gate }, async ({ ctx, lease, config }) => {
    const run: SteeredRun = { ctx, config };
    control.begin(run);
    await fillRoles(ctx, config, options);
    options.onRoles?.(ctx);
    let { fresh = false } = options;
    const { again = false } = options;
    const prepared = await runStep(ctx, { stage: "setup" }, () =>
      prepare(ctx, lease, { fresh, again }, () => (fresh = false)),
    );
    run.tables = prepared.tables;
    const fullDone = options.onFullDone ?? ((): void => {});
    const onVerified = options.onVerified ?? ((): void => {});
    if (ctx.config.sync_mode === "full") {
      // An earlier run's positions cover what is written after them: the scan has to see all that was before.
      const covers = prepared.tables.some((table) => prepared.checkpoint.table(table).state?.noted);
      if (covers && !options.given?.has("full.read.consistent")) config["full.read.consistent"] = true;
      ctx.progress.phase = "full";
      await full(ctx, prepared, createReaders(ctx));
      if (prepared.copies) await verifyCopied(ctx, prepared.tables, onVerified);
      await prepared.checkpoint.finish();
      if (!prepared.copies) ctx.log.info("there is nothing left to copy; --fresh copies again");
      fullDone(prepared.copies);
    } else await endless(run, prepared, fullDone, onVerified);
    ctx.progress.phase = "done";
    return ctx.progress;
  });
}

/** Requests to the source at once, shared by all tables. */
function createReaders(ctx: Context): FairSemaphore {
  const readers = createFairSemaphore(() => readLanes(ctx.config, availableParallelism()));
  // For as long as the run lasts.
  ctx.onSet(readers.resized);
  return readers;
}

/**
 * The full phase, where it is asked for, and the changes made since before it began, until the run stops or is switched
 * over.
 */
async function endless(
  run: SteeredRun,
  prepared: Prepared,
  fullDone: (isNews: boolean) => void,
  onVerified: (verdict: Verdict) => void,
): Promise<void> {
  const { ctx } = run;
  const { tables, checkpoint, copies, ready } = prepared;
  const readers = createReaders(ctx);
  const following = openStreams(ctx, inOrder(prepared), checkpoint, readers, ready, left);
  let newcomers: Newcomers | undefined;
  let verifying: Promise<void> | undefined;

  /** A table was deleted; with the last one the run has nothing to do any more. */
  function left(table: Table): void {
    tables.splice(tables.indexOf(table), 1);
    newcomers?.left(table);
    if (tables.length === 0) ctx.stop(deleted(table));
  }

  try {
    if (ctx.config.sync_mode === "all") {
      ctx.progress.phase = "full";
      await saveStatus(ctx, "full_sync");
      using _watch = watchRetention(ctx);
      await full(ctx, prepared, readers, following);
      ctx.progress.phase = "incr";
      fullDone(copies);
      await checkpoint.finish();
      if (copies) verifying = verifyFollowed(ctx, [...tables], following.note, onVerified);
    } else {
      ctx.progress.phase = "incr";
      await eachTable(ctx, prepared, following, async (table) => {
        await prepareIncr(ctx, table, checkpoint.table(table), readers);
        following.start(table);
      });
    }
    await saveStatus(ctx, "incr_sync");
    newcomers = watchNewcomers({ ...prepared, ctx, follower: following, readers });
    run.followed = { tables, follower: following, newcomers, verifying, onVerified };
  } catch (error) {
    ctx.stop(error);
    throw error;
  } finally {
    // Until then some may still be joining those that are followed.
    await newcomers?.stopped();
    await following.stopped();
    await verifying;
  }
  if (ctx.signal.reason !== SWITCHED_OVER) throw ctx.signal.reason;
  // All is applied and saved; that it is over is for who asks later.
  await checkpoint.switchedOver(ctx.progress.switchover!.at).catch((error: unknown) => {
    const failure = toMigrationError(error);
    // Another process has taken over, and may have been here before the last position was saved.
    if (failure.code === "ALREADY_RUNNING") throw failure;
    ctx.log.warn(`the switch-over can't be noted: ${failure.message}`);
  });
}

/** The full phase of all tables; each is followed after its own. */
async function full(
  ctx: Context,
  prepared: Prepared,
  readers: FairSemaphore,
  following?: StreamFollower,
): Promise<void> {
  using _watch = watchPages(ctx);
  await eachTable(ctx, prepared, following, async (table) => {
    const counters = ctx.progress.tables.get(table.name)!;
    try {
      await migrateTable(ctx, table, counters, prepared.checkpoint.table(table), readers);
      counters.state = "done";
      counters.finishedAt = Date.now();
      following?.start(table);
    } catch (error) {
      // What a stop or another table's failure has interrupted hasn't failed: it is left where it is.
      if (!ctx.signal.aborted) counters.state = "failed";
      if (counters.state === "failed") counters.finishedAt = Date.now();
      throw error;
    }
  });
}

/**
 * The tables that are copied first, for their changes wait and don't wait for ever; then the largest, so that none runs
 * on alone.
 */
function inOrder({ tables, checkpoint }: Prepared): Table[] {
  const isLeft = (table: Table): number => Number(checkpoint.table(table).state?.stage !== "done");
  return tables.toSorted((a, b) => isLeft(a) - isLeft(b) || b.sizeBytes - a.sizeBytes);
}

/**
 * So many tables at once, in their order, each as soon as its stream is opened: no long copy goes before a table that is
 * only to be followed. Those that are copied already take no lane, so that they don't wait for those that aren't.
 */
async function eachTable(
  ctx: Context,
  prepared: Prepared,
  following: StreamFollower | undefined,
  work: (table: Table) => Promise<void>,
): Promise<void> {
  const lanes = createSemaphore(() => ctx.config["full.concurrency"]);
  using _resizing = ctx.onSet(lanes.resized);
  const isDone = (table: Table): boolean => prepared.checkpoint.table(table).state?.stage === "done";

  async function opened(table: Table): Promise<void> {
    await following?.opened(table);
    ctx.signal.throwIfAborted();
  }

  await inParallel(inOrder(prepared), Number.POSITIVE_INFINITY, async (table) => {
    try {
      // What may take a while holds up nobody.
      if (isDone(table) || prepared.late.has(table)) {
        await opened(table);
        // When it is opened it may turn out that it has to be copied again.
        if (isDone(table)) return await work(table);
      }
      await lanes.run(async () => {
        await opened(table);
        await work(table);
      });
    } catch (error) {
      ctx.stop(error);
      throw error;
    }
  });
}
