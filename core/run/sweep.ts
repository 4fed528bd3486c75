/** After a table was copied again over what was there: documents are deleted whose items are gone. */
import type { Context } from "../plugin/context.ts";
import { convertOnce } from "../stages/convert.ts";
import { runRecordHook } from "../stages/record-hooks.ts";
import { inStage, runStep } from "../stages/error-policy.ts";
import { MigrationError } from "../errors.ts";
import { EDITING_HOOKS } from "../plugin/hooks.ts";
import { keyAttributes, keyOf, keyText } from "../schema/keys.ts";
import { inParallel } from "../flow/parallel.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../types.ts";
import { setField } from "../schema/set-field.ts";

/** Reads of the source and deletes at once. */
const LANES = 4;
/** Keys looked up together. */
const SLICE = 500;
/** Keys to be deleted that are kept in memory; of more, all are looked up a second time. */
const MOST_KEPT = 50_000;

/** Whether items have to go through the hooks again, for one may drop them. */
export function rereads(ctx: Context): boolean {
  return [...EDITING_HOOKS].some(ctx.listens);
}

/**
 * Deletes the documents whose items are gone from the source, or are left out by hooks now, by consistent reads that are
 * later than the table's positions: what comes back after that is in the stream.
 *
 * @throws MigrationError COUNT_MISMATCH, with nothing deleted, when more are to go than the counts explain
 */
export async function sweep(ctx: Context, table: Table, counters: TableProgress): Promise<void> {
  let [looked, strangers, count] = [0, 0, 0];
  const gone: Item[] = [];
  // What isn't written again is left over; with nothing left over there is nothing to look for.
  const leftOver = (await ctx.role("target").count(table, ctx.signal)) - counters.written;
  if (leftOver > 0) {
    ctx.log.info(
      `looking for documents of table ${table.name} whose items are gone: ${leftOver} are left over`,
    );
    ({ looked, strangers } = await eachGone(ctx, table, async (keys) => {
      count += keys.length;
      if (count <= MOST_KEPT) gone.push(...keys);
    }));
    refuseUnexplained(table, { count, looked, leftOver: leftOver - strangers, written: counters.written });
    const remove = (keys: Item[]): Promise<void> => removeAll(ctx, table, keys);
    if (count > MOST_KEPT) await eachGone(ctx, table, remove);
    else await inParallel(slices(gone), LANES, (keys) => inside(ctx, () => remove(keys)));
  }
  if (strangers > 0) {
    ctx.log.warn(
      `${strangers} documents of ${table.targetName} have no key of table ${table.name}: left alone`,
    );
  }
  ctx.log.info(
    `table ${table.name} is copied again: ${counters.written} items written, ${count} of ${looked} documents deleted`,
  );
}

/** Of what is written again some may be deleted at the source by now, but hardly the half of it. */
function refuseUnexplained(
  table: Table,
  { count, looked, leftOver, written }: { count: number; looked: number; leftOver: number; written: number },
): void {
  if (count <= leftOver + written / 2) return;
  throw new MigrationError(
    "COUNT_MISMATCH",
    `of ${looked} documents ${count} have no item at the source by their keys, though only ${leftOver} were not written again: ` +
      `table ${table.name}, nothing is deleted`,
    {
      hint: "see whether a plugin changes key values, and set on_gap = fail then; else start over with --fresh",
    },
  );
}

/** Finds the keys that are to go. */
async function eachGone(
  ctx: Context,
  table: Table,
  onGone: (keys: Item[]) => Promise<void>,
): Promise<{ looked: number; strangers: number }> {
  const { fieldPath } = ctx.role("convert");
  const found = { looked: 0, strangers: 0 };
  const find = rereads(ctx) ? leftOut : absent;
  for await (const documents of ctx.role("target").keys!(table, ctx.signal)) {
    const keys = new Map<string, Item>();
    for (const document of documents) {
      const key = keyOf(document, table, fieldPath);
      if (key === undefined) found.strangers++;
      else keys.set(keyText(key, table), key);
    }
    await inParallel(slices([...keys.values()]), LANES, async (some) => {
      found.looked += some.length;
      await inside(ctx, async () => {
        const gone = await find(ctx, table, some);
        if (gone.length > 0) await onGone(gone);
      });
    });
    ctx.signal.throwIfAborted();
  }
  return found;
}

/** What is done in no pause, and begun after no stop. */
async function inside(ctx: Context, work: () => Promise<void>): Promise<void> {
  const leave = await ctx.gate.enter(ctx.signal);
  try {
    ctx.signal.throwIfAborted();
    await work();
  } finally {
    leave();
  }
}

function absent(ctx: Context, table: Table, keys: Item[]): Promise<Item[]> {
  return ctx.role("source").absent!(table, keys, ctx.signal);
}

/** Those of the keys that no item has, or whose items the hooks drop. */
async function leftOut(ctx: Context, table: Table, keys: Item[]): Promise<Item[]> {
  const items = await ctx.role("source").items!(table, keys, ctx.signal);
  const stay = new Set(
    await kept(
      ctx,
      table,
      items.map((item) => asScanned(item, table)),
    ),
  );
  return keys.filter((key) => !stay.has(keyText(key, table)));
}

/** The keys of the records that hooks leave, as text. One that fails stays, as it stayed when it was copied. */
async function kept(ctx: Context, table: Table, records: SourceRecord[]): Promise<string[]> {
  const unit: SegmentUnit = { phase: "full", table, segment: 0, segments: 1 };
  const texts = (some: SourceRecord[]): string[] => some.map(({ keys }) => keyText(keys, table));
  return runStep(
    ctx,
    { stage: "fetch", table, batch: { unit, records } },
    async () => {
      const converted = await convertOnce(ctx, unit, structuredClone(records));
      return texts(await inStage("write", () => runRecordHook(ctx, "write:before", unit, converted.records)));
    },
    async () => {
      if (records.length <= 1) return texts(records);
      const each = await inParallel(records, 1, (record) => kept(ctx, table, [record]));
      return each.flat();
    },
  );
}

function asScanned(item: Item, table: Table): SourceRecord {
  const keys: Item = {};
  for (const { name } of keyAttributes(table)) setField(keys, name, item[name]);
  return { op: "put", event: "SCAN", keys, item };
}

async function removeAll(ctx: Context, table: Table, keys: Item[]): Promise<void> {
  const records = keys.map((key): SourceRecord => ({ op: "delete", event: "REMOVE", keys: key }));
  ctx.role("convert").convert(records, table);
  const unit = { phase: "full", table, segment: 0, segments: 1 } as const;
  await ctx.role("target").apply!({ unit, records }, ctx.abandon);
}

function slices(keys: Item[]): Item[][] {
  return Array.from({ length: Math.ceil(keys.length / SLICE) }, (_, i) =>
    keys.slice(i * SLICE, (i + 1) * SLICE),
  );
}
