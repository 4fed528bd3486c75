/** A table's indexes as they should be, and as they are; those that are missing can be built. */
import type { Context } from "../plugin/context.ts";
import type { IndexFault, Stored } from "../plugin/stored.ts";
import { checkIndexShapes } from "../schema/index-shape.ts";
import { indexPattern, planIndexes } from "../schema/indexes.ts";
import type { Table, TargetIndex } from "../types.ts";
import type { Faults } from "./faults.ts";

/** Tells the indexes that are missing or of another kind. */
export async function compareIndexes(
  ctx: Context,
  table: Table,
  stored: Stored,
  faults: Faults,
): Promise<void> {
  for (const fault of await stored.indexes(table, await wantedIndexes(ctx, table), ctx.signal)) {
    await tell(fault, faults);
  }
}

/** Builds those that are missing, also beside one of another kind, and tells them; what can't be built stays a difference. */
export async function repairIndexes(
  ctx: Context,
  table: Table,
  stored: Stored,
  faults: Faults,
): Promise<void> {
  const wanted = await wantedIndexes(ctx, table);
  const before = await stored.indexes(table, wanted, ctx.signal);
  if (before.length > 0) await ctx.role("target").index(table, wanted, { signal: ctx.signal });
  const left = await stored.indexes(table, wanted, ctx.signal);
  const isLeft = (index: TargetIndex): boolean =>
    left.some((each) => indexPattern(each.wanted) === indexPattern(index));
  for (const fault of before) await tell(fault, faults, isLeft(fault.wanted) ? undefined : "built");
}

/** The indexes that the copy makes, as hooks want them. */
async function wantedIndexes(ctx: Context, table: Table): Promise<TargetIndex[]> {
  const indexes = planIndexes(table, ctx.role("convert"), ctx.config["full.enable_index.user"]);
  const event = { phase: "full" as const, table, indexes };
  await ctx.call("index:before", event);
  checkIndexShapes(event.indexes, table);
  return event.indexes;
}

function tell({ wanted, found }: IndexFault, faults: Faults, repair?: string): Promise<void> {
  return faults.addOther({
    kind: found === undefined ? "missing_index" : "different_index",
    path: indexPattern(wanted),
    source: wanted.fields,
    ...(found !== undefined && { target: found }),
    ...(repair !== undefined && { repair }),
  });
}
