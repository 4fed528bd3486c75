/** A table that was deleted at the source while it was followed: its following ends with a warning, and the others go on. */
import type { TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { forgetStream } from "../checkpoint/stream-parts.ts";
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import { isAnother } from "../schema/table-identity.ts";
import { openTableSpool } from "../spool/table-spool.ts";
import type { Table } from "../types.ts";

/** Deleted tables of which all is still told and kept: a run may go on for years, over tables that live for an hour. */
const KEPT = 100;

/** Whether a failure says that the table is gone, or is another one by now. */
export function isGone(error: unknown): error is MigrationError {
  return error instanceof MigrationError && error.code === "SOURCE_GONE";
}

/** Whether a failure may have come because the table is gone: it ends the following of that table, not yet the run. */
export function mayBeDeleted(reason: unknown): boolean {
  return isGone(reason) || (reason instanceof MigrationError && reason.code === "STREAM_GAP");
}

/** What has become of a table; there also: the source can't tell. */
export async function fateOf(ctx: Context, table: Table): Promise<"there" | "deleted" | "made anew"> {
  const describing = ctx.role("source").describe?.(table, ctx.signal);
  if (describing === undefined) return "there";
  const now = await describing.catch(() => table);
  if (now === undefined) return "deleted";
  return isAnother(now, table) ? "made anew" : "there";
}

/**
 * Notes that a table is gone, and says so.
 *
 * @param isWhole its stream was read to its end
 */
export async function endDeleted(
  ctx: Context,
  table: Table,
  checkpoint: TableCheckpoint,
  isWhole: boolean,
): Promise<void> {
  const { name, targetName } = table;
  const counters = ctx.progress.tables.get(name)!;
  await checkpoint.advance({ deletedAt: new Date().toISOString() });
  counters.state = "deleted";
  counters.finishedAt ??= Date.now();
  // The map has them in the order in which they were deleted.
  ctx.progress.tables.delete(name);
  ctx.progress.tables.set(name, counters);
  const what = isWhole
    ? `all its changes are applied, and ${targetName} stays as it is`
    : `changes made shortly before may not be applied, and ${targetName} stays as it is`;
  ctx.log.warn(`the table was deleted at the source: ${what}: table ${name}`);
  await forgetOldest(ctx);
}

/** Forgets what is kept of a gone table's stream; what it is stays known, for one may be made anew under its name. */
export async function forgetFollowing(ctx: Context, table: Pick<Table, "name">): Promise<void> {
  const { config } = ctx;
  await forgetStream(ctx, table);
  await openTableSpool(config["increase.persist.dir"], config.id, table.name, () => ctx.mayWrite()).remove();
}

/** Of tables that are deleted only the newest are told of. */
async function forgetOldest(ctx: Context): Promise<void> {
  const deleted = [...ctx.progress.tables.values()].filter(({ state }) => state === "deleted");
  for (const { name } of deleted.slice(0, -KEPT)) {
    // Meanwhile one may have been made anew under its name.
    if (ctx.progress.tables.get(name)?.state !== "deleted") continue;
    ctx.progress.tables.delete(name);
    await forgetFollowing(ctx, { name });
  }
}
