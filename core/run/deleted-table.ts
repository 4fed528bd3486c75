/** A table that was deleted at the source while it was followed: its following ends with a warning, and the others go on. */
import type { TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import { isAnother } from "../schema/table-identity.ts";
import type { Table } from "../types.ts";

/** Whether a failure may have come because the table is gone: it ends the following of that table, not yet the run. */
export function mayBeDeleted(reason: unknown): boolean {
  return reason instanceof MigrationError && (reason.code === "SOURCE_GONE" || reason.code === "STREAM_GAP");
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
  const what = isWhole
    ? `all its changes are applied, and ${targetName} stays as it is`
    : `changes made shortly before may not be applied, and ${targetName} stays as it is`;
  ctx.log.warn(`the table was deleted at the source: ${what}: table ${name}`);
}
