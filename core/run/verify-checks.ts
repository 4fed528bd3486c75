/** Before tables are compared or repaired: they are what this migration has copied, and copied to their end. */
import { changedSettings, fingerprint } from "../checkpoint/fingerprint.ts";
import {
  readState,
  runSchema,
  type RunState,
  tableSchema,
  type TableState,
} from "../checkpoint/run-state.ts";
import { MigrationError } from "../errors.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { isAnother } from "../schema/table-identity.ts";
import type { Table } from "../types.ts";
import { refuseRepair } from "./switched-over.ts";
import { isRunning } from "../verify/follower.ts";

/** States read at once. */
const LOADS = 8;
/** A comparison may read in other pieces than the copy. */
const FREE = "full.read.concurrency";

/** What is noted of a migration's copy. */
export interface Copied {
  run: RunState | undefined;
  tables: { table: Table; state: TableState | undefined }[];
}

/**
 * Refuses tables that a run is still copying: what isn't there yet would count as missing. What no run copies any more is
 * compared, with a warning.
 *
 * @throws MigrationError TABLE_UNFIT
 */
export async function checkCopied(ctx: Context, { run, tables }: Copied): Promise<void> {
  // A run that copies hasn't begun those of which nothing is noted.
  const isCopying = run !== undefined && run.copiedAt === undefined && run.finishedAt === undefined;
  const unfinished = tables.filter(({ state }) => (state === undefined ? isCopying : state.stage !== "done"));
  if (unfinished.length === 0) return;
  const names = unfinished.map(({ table }) => table.name).join(", ");
  if (!(await isRunning(ctx))) {
    ctx.log.warn(`not copied to the end, what isn't there yet counts as missing: ${names}`);
    return;
  }
  throw new MigrationError("TABLE_UNFIT", `the run is still copying: table ${names}`, {
    hint: "wait for `full sync done!`, or name the tables that are copied with --tables",
  });
}

/**
 * Refuses a repair of what this migration hasn't copied, or hasn't copied like that: it would be written over or removed.
 *
 * @throws MigrationError
 */
export async function checkRepair(ctx: Context, { run, tables }: Copied): Promise<void> {
  refuseRepair(run);
  const target = ctx.role("target");
  if (target.apply === undefined) {
    refuse("CONFIG_INVALID", `what is there can't be repaired: ${target.place}`, "migrate the tables anew");
  }
  if (ctx.config["full.read.filter_expression"] !== "") {
    const what = "with full.read.filter_expression nobody can tell which items should be there";
    refuse("CONFIG_INVALID", what, "use plugin.filter.where instead");
  }
  const { place } = ctx.role("checkpoint");
  const changed = run && changedSettings(run.settings, fingerprint(ctx.config, ctx.sameOptions));
  const other = changed?.find(([key]) => key !== FREE);
  if (other !== undefined) {
    const [key, was, is] = other;
    const what = `the copy was made with ${key} = ${was || "empty"}, it is ${is || "empty"} now: ${place}`;
    refuse("CHECKPOINT_MISMATCH", what, `set ${key} back`);
  }
  for (const { table, state } of tables) {
    const made = await target.find(table, ctx.signal);
    const problem = problemOf(table, state, made);
    if (problem === undefined) continue;
    const hint = "see that id, checkpoint and target are the migration's; or run the migration";
    refuse("CHECKPOINT_MISMATCH", `${problem}: table ${table.name}, ${place}`, hint);
  }
}

/** Why a table isn't what the migration has copied. */
function problemOf(
  table: Table,
  state: TableState | undefined,
  made: string | undefined,
): string | undefined {
  if (state === undefined) return "no run of this id has copied it";
  if (state.stage !== "done") return "it isn't copied to the end";
  if (isAnother({ id: state.source }, table)) return "the source has another table of that name now";
  if (made !== undefined && state.made !== undefined && state.made !== made)
    return "another collection of that name is at the target now";
  return undefined;
}

/** Reads what is noted of tables, by this run or by the one that was taken over. */
export async function loadCopied(ctx: Context, tables: Table[]): Promise<Copied> {
  const store = ctx.role("checkpoint");
  const run = readState(runSchema, (await store.load("run")).get("run"), store.place);
  const adopted = new Map(run?.adopted?.map(({ table, state }) => [table, state]));
  return {
    run,
    tables: await inParallel(tables, LOADS, async (table) => {
      const saved = (await store.load(`table:${table.name}`)).get("table");
      const state = readState(tableSchema, saved, `${store.place}, table ${table.name}`);
      const isOurs = state !== undefined && (run === undefined || state.run === run.id);
      return { table, state: isOurs ? state : adopted.get(table.name) };
    }),
  };
}

function refuse(code: "CONFIG_INVALID" | "CHECKPOINT_MISMATCH", what: string, hint: string): never {
  throw new MigrationError(code, `--repair is refused, ${what}`, { hint });
}
