/** A page's records on their way to documents, in both phases: the hooks around fetch and convert, and the conversion. */
import type { Context } from "../plugin/context.ts";
import { checkedOverflow } from "../plugin/returned.ts";
import { inStage, runBatchStep } from "./error-policy.ts";
import { fetchRecords } from "./fetch.ts";
import { withLeft } from "./left-records.ts";
import { findOverflowed } from "./overflowed.ts";
import { checkKeys, runRecordHook } from "./record-hooks.ts";
import type { SourceRecord, Unit } from "../types.ts";

/** The hooks in which a plugin may change records. */
const EDITING = ["fetch:after", "convert:before", "convert:after"] as const;

/** What became of a page. */
export interface Converted {
  /** Without those that hooks dropped, or an `error` hook wanted left out. */
  records: SourceRecord[];
  /** Numbers not held exactly. */
  overflowed: number;
}

/** Hooks and conversion; what fails is tried again from its first hook on. */
export async function convertRecords(ctx: Context, unit: Unit, records: SourceRecord[]): Promise<Converted> {
  if (!ctx.listens("error")) return convertOnce(ctx, unit, records);
  // Hooks edit records in place: who tries again begins with what came from the source.
  const anew = (some: SourceRecord[]): Promise<Converted> => convertOnce(ctx, unit, structuredClone(some));
  return runBatchStep(ctx, { stage: "fetch", batch: { unit, records } }, anew, (parts) => ({
    records: parts.flatMap((part) => part.records),
    overflowed: parts.reduce((sum, { overflowed }) => sum + overflowed, 0),
  }));
}

/** The same, where the caller decides what becomes of a failure. */
export async function convertOnce(ctx: Context, unit: Unit, records: SourceRecord[]): Promise<Converted> {
  return convertFetched(ctx, unit, await fetchRecords(ctx, unit, records));
}

/** The same for records that `fetch:after` hooks have seen. */
export function convertFetched(ctx: Context, unit: Unit, records: SourceRecord[]): Promise<Converted> {
  return inStage("convert", async () => {
    const { table } = unit;
    const converter = ctx.role("convert");
    let now = await runRecordHook(ctx, "convert:before", unit, records);
    const edited = EDITING.findLast((name) => name !== "convert:after" && ctx.listens(name));
    const converting = (): { overflowed: number } => converter.convert(now, table);
    const converted = edited === undefined ? converting() : withLeft(edited, table, converting);
    const overflowed = checkedOverflow(converted, table);
    findOverflowed(ctx, table, overflowed, () => now);
    now = await runRecordHook(ctx, "convert:after", unit, now);
    const last = EDITING.findLast(ctx.listens);
    if (last !== undefined) withLeft(last, table, () => checkKeys(now, table, converter.fieldPath));
    return { records: now, overflowed };
  });
}
