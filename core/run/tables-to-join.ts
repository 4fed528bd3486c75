/** Tables that a run which follows others hasn't done yet: at its next start they join it, as new ones do, and refuse nobody. */
import { readState, runSchema, tableSchema } from "../checkpoint/run-state.ts";
import { loadShards } from "../checkpoint/stream-parts.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";

/** Tables looked at at once. */
const LOOKS = 32;

/** See {@link followingRun}. */
export interface FollowingRun {
  id: string;
  /** The names of the tables that it has taken over from NimoShake. */
  adopted: ReadonlySet<string>;
}

/** See {@link joiningOf}. */
export type Joins = (table: Pick<Table, "name">) => Promise<boolean>;

/**
 * Finds them: a run that has copied all goes on, and they are new, were left out, or weren't copied to their end. What has a
 * checkpoint that doesn't go together is none of them: it refuses the start. Changes nothing.
 *
 * @param fresh what an unfinished run has left doesn't count
 * @throws MigrationError CHECKPOINT_MISMATCH
 */
export async function tablesToJoin(ctx: Context, tables: Table[], fresh: boolean): Promise<Set<Table>> {
  const none = new Set<Table>();
  const run = ctx.config.sync_mode === "all" ? await followingRun(ctx, fresh) : undefined;
  if (run === undefined) return none;
  const joins = joiningOf(ctx, run);
  const joining = await inParallel(tables, LOOKS, async (table) =>
    (await joins(table)) ? table : undefined,
  );
  const found = new Set(joining.filter((table) => table !== undefined));
  // There have to be others.
  return found.size < tables.length ? found : none;
}

/**
 * The run that a start goes on with and that has copied all, or copies nothing, and looks for new tables; undefined: there is
 * none.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH
 */
export async function followingRun(ctx: Context, fresh: boolean): Promise<FollowingRun | undefined> {
  const store = ctx.role("checkpoint");
  if (fresh || ctx.config.sync_mode === "full" || !looksForTables(ctx)) return undefined;
  const run = readState(runSchema, (await store.load("run")).get("run"), store.place);
  const { id, copiedAt, finishedAt } = run ?? {};
  if (id === undefined || copiedAt === undefined || finishedAt !== undefined) return undefined;
  return { id, adopted: new Set(run!.adopted?.map(({ table }) => table)) };
}

/** Tells whether a table isn't followed by a run yet: it joins it. */
export function joiningOf(ctx: Context, { id, adopted }: FollowingRun): Joins {
  const store = ctx.role("checkpoint");
  return async ({ name }) => {
    const parts = await store.load(`table:${name}`);
    const state = readState(tableSchema, parts.get("table"), `${store.place}, table ${name}`);
    if (state === undefined || (state.run ?? "") < id) {
      // What is noted of its stream is NimoShake's, or its state is lost.
      return !adopted.has(name) && (await loadShards(ctx, { name })).size === 0;
    }
    return state.run === id && state.stage !== "done" && state.round === undefined;
  };
}

/** Whether a run looks for new tables while it follows others. */
export function looksForTables(ctx: Context): boolean {
  return ctx.config["increase.new_tables"] > 0 && ctx.role("source").newTables !== undefined;
}
