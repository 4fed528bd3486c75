/** Going on from a checkpoint as the original leaves it: its tables need no full phase. */
import type { RunCheckpoint } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { forgetStream } from "./stream-checkpoint.ts";
import type { Table } from "./types.ts";

/** Where all streams together stand, as the original notes it. */
export type SyncStatus = "full_sync" | "incr_sync";

/** Notes where the run stands, for the original. */
export async function saveStatus(ctx: Context, status: SyncStatus): Promise<void> {
  await ctx.role("checkpoint").save("status", new Map([["status", status]]));
}

/**
 * Prepares the streams' part of a run that is begun anew: tables that the original follows already are done,
 * what is noted of the others is forgotten.
 *
 * @param fresh forgets everything
 * @throws MigrationError CHECKPOINT_MISMATCH when such a table isn't at the target
 */
export async function adoptOriginal(
  ctx: Context,
  tables: Table[],
  run: RunCheckpoint,
  fresh: boolean,
): Promise<void> {
  const store = ctx.role("checkpoint");
  const follows = !fresh && (await store.load("status")).get("status") === ("incr_sync" satisfies SyncStatus);
  const adopted: string[] = [];
  for (const table of tables) {
    const rows = follows ? await store.load(`shards:${table.name}`) : undefined;
    if (rows === undefined || rows.size === 0) {
      await forgetStream(ctx, table);
      continue;
    }
    const made = await ctx.role("target").find(table, ctx.signal);
    if (made === undefined) throw missing(ctx, table);
    const { targetName, id } = table;
    await run.table(table).advance({
      stage: "done",
      targetName,
      units: 0,
      made,
      ...(id !== undefined && { source: id }),
    });
    adopted.push(table.name);
  }
  if (!follows) await store.clear("status");
  if (adopted.length === 0) return;
  ctx.log.info(
    `going on from the checkpoint of NimoShake, without a full phase: ${adopted.join(", ")} (${store.place})`,
  );
}

function missing(ctx: Context, { name, targetName }: Table): MigrationError {
  const { place } = ctx.role("target");
  return new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the checkpoint says that ${targetName} is copied, but it isn't there: ${place}, table ${name}`,
    { hint: "see whether id and target.address are right, or start over with --fresh" },
  );
}
