/** One table joins a run that follows others: all that a start does for it, and in the same order. */
import { refuseOther } from "../checkpoint/going-on.ts";
import type { RunCheckpoint, TableState } from "../checkpoint/run-checkpoint.ts";
import { type ErrorCode, toMigrationError } from "../errors.ts";
import type { FairSemaphore } from "../flow/semaphore.ts";
import type { FirstLook } from "../incr/table-stream.ts";
import type { Context } from "../plugin/context.ts";
import { describeKey } from "../schema/keys.ts";
import { wasAnother } from "../schema/table-identity.ts";
import { runStep } from "../stages/error-policy.ts";
import { anewGap } from "../stages/table-now.ts";
import type { Table } from "../types.ts";
import { checkIndexes } from "./secondary-indexes.ts";
import { checkStreams, forgetOlder } from "./stream-looks.ts";
import type { StreamFollower } from "./streams.ts";
import { migrateTable } from "./table.ts";
import { isToMake } from "./place.ts";
import { findPlaces, prepareTargetTables } from "./target-tables.ts";

/** The run that it joins. */
export interface JoiningRun {
  ctx: Context;
  /** The run's tables, those that join among them. */
  tables: Table[];
  checkpoint: RunCheckpoint;
  follower: StreamFollower;
  /** Requests to the source at once, shared by all tables. */
  readers: FairSemaphore;
}

/** Failures that aren't one table's: the others have them, too, or will. */
const OF_RUN: ReadonlySet<ErrorCode> = new Set([
  "ALREADY_RUNNING",
  "CHECKPOINT_FAILED",
  "SOURCE_UNREACHABLE",
  "TARGET_UNREACHABLE",
  "SPOOL_FAILED",
  "SKIP_FAILED",
  "INTERRUPTED",
  "INTERNAL",
]);

/** The gaps of tables that are other ones than those that were copied, and can't be mended. */
const unmendable = new WeakSet<object>();

/** Whether a failure of a table that joins ends the whole run. */
export function endsRun(reason: unknown): boolean {
  const error = toMigrationError(reason);
  return OF_RUN.has(error.code) || unmendable.has(error);
}

/**
 * Copies a table, with its stream opened before: it may be followed then. Where it had begun before, in this process or
 * another one, it goes on.
 *
 * @param scope the run's context for this table
 * @param check looks at what it is, beside the run's others
 * @throws MigrationError what refuses it, before anything is changed for it; or what its copy fails with
 */
export async function joinRun(
  run: JoiningRun,
  scope: Context,
  table: Table,
  check: () => Promise<void>,
): Promise<void> {
  const { ctx, checkpoint, follower, readers } = run;
  // It may have waited for its turn.
  ctx.signal.throwIfAborted();
  const counters = ctx.progress.tables.get(table.name)!;
  await scope.call("table:before", { phase: "full", table });
  const look = await runStep(scope, { stage: "setup", table }, async () => {
    await check();
    return prepareJoining(run, scope, table);
  });
  await follower.join(scope, table, look);
  await migrateTable(scope, table, counters, checkpoint.table(table), readers);
  counters.state = "done";
  counters.finishedAt = Date.now();
  counters.isNew = false;
}

/** Looks at all that could refuse it, then makes its place at the target. */
async function prepareJoining(
  { checkpoint }: JoiningRun,
  scope: Context,
  table: Table,
): Promise<FirstLook | undefined> {
  const { state } = await checkpoint.join(table);
  refuseAnother(scope, table, state);
  refuseOther(scope, table, state, `${scope.role("checkpoint").place}, table ${table.name}`);
  if (state?.noted !== true) await scope.role("checkpoint").checkPlaces?.([table], scope.signal);
  const places = await findPlaces(scope, [table], checkpoint, [], { fresh: false, joins: true });
  await checkIndexes(scope, places);
  const { seen } = await checkStreams(scope, [table], places.some(isToMake) ? [table] : []);
  if (state === undefined) await forgetOlder(scope, table, seen);
  await prepareTargetTables(scope, places);
  return seen.get(table.name);
}

/**
 * Under the name of one that was followed there is another one: a gap, as where it comes before the first one's end is
 * seen. What was never copied to its end was never followed.
 */
function refuseAnother({ config }: Context, table: Table, state: TableState | undefined): void {
  if (state?.stage !== "done" || !wasAnother(state, table)) return;
  if (config.on_gap === "resync" && state.key === describeKey(table)) return;
  const gap = anewGap(table);
  unmendable.add(gap);
  throw gap;
}
