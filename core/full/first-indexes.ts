/** The indexes of a table with few items, built before its first document: on an empty collection they cost a third. */
import type { Context } from "../plugin/context.ts";
import { planIndexes } from "../schema/indexes.ts";
import type { Table } from "../types.ts";

/** With more documents it is cheaper to build them afterwards. */
const FEW = 2_000;

/**
 * Lets the target build what it can of them. After the data they are asked for all the same: then it shows what is left.
 *
 * @param items how many the table has
 */
export async function indexFirst(ctx: Context, table: Table, items: number): Promise<void> {
  const target = ctx.role("target");
  if (target.indexFirst === undefined || items === 0 || items > FEW) return;
  // Who wants to change them, or decides what becomes of failures, is asked after the data.
  if (ctx.listens("index:before") || ctx.listens("error")) return;
  const indexes = planIndexes(table, ctx.role("convert"), ctx.config["full.enable_index.user"]);
  await target.indexFirst(table, indexes, ctx.signal);
}
