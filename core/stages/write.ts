/** A batch on its way to the target, in both phases: the hooks around the write, and what becomes of failures. */
import { debugWrite } from "../plugin/debug.ts";
import type { Context } from "../plugin/context.ts";
import { checkedResult } from "../plugin/returned.ts";
import { runStep, runBatchStep } from "./error-policy.ts";
import { withLeft } from "./left-records.ts";
import { checkKeys, runRecordHook } from "./record-hooks.ts";
import type { SourceRecord, Unit, WriteResult } from "../types.ts";

/** The records as `write:before` hooks leave them; none when an `error` hook wants them left out. */
export function beforeWrite(ctx: Context, unit: Unit, records: SourceRecord[]): Promise<SourceRecord[]> {
  const batch = { unit, records };
  return runStep(
    ctx,
    { stage: "write", table: unit.table, batch },
    async () => {
      const left = await runRecordHook(ctx, "write:before", unit, records);
      if (ctx.listens("write:before"))
        withLeft("write:before", unit.table, () =>
          checkKeys(left, unit.table, ctx.role("convert").fieldPath),
        );
      return left;
    },
    async (error, stage) => {
      await ctx.skip({ stage, batch, error });
      return [];
    },
  );
}

/** What was written. */
export interface Written {
  /** All but those that an `error` hook wanted left out. */
  records: SourceRecord[];
  result: WriteResult;
}

/**
 * Writes records and tells `write:after`.
 *
 * @param send may be called again with some of them
 */
export async function writeOut(
  ctx: Context,
  unit: Unit,
  records: SourceRecord[],
  send: (records: SourceRecord[]) => Promise<WriteResult>,
): Promise<Written> {
  const { table, phase } = unit;
  const written = await runBatchStep(
    ctx,
    { stage: "write", batch: { unit, records } },
    async (some): Promise<Written> => ({ records: some, result: checkedResult(await send(some)) }),
    (parts) => ({
      records: parts.flatMap((part) => part.records),
      result: sum(parts.map(({ result }) => result)),
    }),
  );
  debugWrite(ctx, unit, written.result);
  if (ctx.listens("write:after")) {
    const after = (): void | Promise<void> => ctx.call("write:after", { phase, table, unit, ...written });
    // They are written: a hook that fails can be called again or left, and there is nothing to skip.
    await runStep(ctx, { stage: "write", table }, after, () => {});
  }
  return written;
}

/** Results of writes at the same time as one. */
export function sum(results: WriteResult[]): WriteResult {
  const total: WriteResult = { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
  for (const { inserted, replaced, deleted, duplicates, missed, ms } of results) {
    total.inserted += inserted;
    total.replaced += replaced;
    total.deleted += deleted;
    total.duplicates += duplicates;
    if (missed !== undefined) total.missed = (total.missed ?? 0) + missed;
    total.ms = Math.max(total.ms, ms);
  }
  return total;
}
