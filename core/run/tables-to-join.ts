/** Tables that a run which follows others hasn't done yet: at its next start they join it, as new ones do, and refuse nobody. */
import { readState, runSchema, tableSchema } from "../checkpoint/run-state.ts";
import { loadShards } from "../checkpoint/stream-parts.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";

/** Tables looked at at once. */
const LOOKS = 32;

/**
 * Finds them: a run that has copied all goes on, and they are new, were left out, or weren't copied to their end. What has a
 * checkpoint that doesn't go together is none of them: it refuses the start. Changes nothing.
 *
 * @param fresh what an unfinished run has left doesn't count
 * @throws MigrationError CHECKPOINT_MISMATCH
 */
export async function tablesToJoin(ctx: Context, tables: Table[], fresh: boolean): Promise<Set<Table>> {
  const none = new Set<Table>();
  const store = ctx.role("checkpoint");
  if (fresh || ctx.config.sync_mode !== "all" || !looksForTables(ctx)) return none;
  const run = readState(runSchema, (await store.load("run")).get("run"), store.place);
  if (run?.id === undefined || run.copiedAt === undefined || run.finishedAt !== undefined) return none;
  const { id } = run;
  const adopted = new Set(run.adopted?.map(({ table }) => table));

  async function joins(table: Table): Promise<boolean> {
    const { name } = table;
    const parts = await store.load(`table:${name}`);
    const state = readState(tableSchema, parts.get("table"), `${store.place}, table ${name}`);
    if (state === undefined || (state.run ?? "") < id) {
      // What is noted of its stream is NimoShake's, or its state is lost.
      return !adopted.has(name) && (await loadShards(ctx, table)).size === 0;
    }
    return state.run === id && state.stage !== "done" && state.round === undefined;
  }

  const joining = await inParallel(tables, LOOKS, async (table) =>
    (await joins(table)) ? table : undefined,
  );
  const found = new Set(joining.filter((table) => table !== undefined));
  // There have to be others.
  return found.size < tables.length ? found : none;
}

/** Whether a run looks for new tables while it follows others. */
export function looksForTables(ctx: Context): boolean {
  return ctx.config["increase.new_tables"] > 0 && ctx.role("source").newTables !== undefined;
}
