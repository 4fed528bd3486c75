/** Looks keys up on both sides, as they are now: what should be stored of each, and what is. */
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored, StoredValue } from "../plugin/stored.ts";
import { keyAttributes, keyText } from "../schema/keys.ts";
import { setField } from "../schema/set-field.ts";
import { convertRecords } from "../stages/convert.ts";
import type { Item, SegmentUnit, SourceRecord, Table } from "../types.ts";
import { differences } from "./difference.ts";
import { encode } from "./encode.ts";

/** A key on both sides. */
export interface Look {
  key: Item;
  /** By which it is looked for at the target. */
  wanted: SourceRecord;
  /** The source's item as it is there; undefined: there is none. */
  item?: Item;
  /** The source's item as it is written, after hooks; undefined: there is none, or hooks drop it. */
  record?: SourceRecord;
  /** What should be stored; undefined: nothing. */
  expected?: StoredValue;
  /** What is stored, with all that have the key. */
  found: StoredValue[];
  isEqual: boolean;
  /** There is an item, and an `error` hook wants it left out: nobody knows what should be stored. */
  isSkipped: boolean;
  /** A digest of what should be there, and one of what is: the same for the same. */
  source: string;
  target: string;
}

/** All of both sides is as it was at some time since the look began; and nothing older. */
export async function look(ctx: Context, table: Table, stored: Stored, keys: Item[]): Promise<Look[]> {
  const unit: SegmentUnit = { phase: "full", table, segment: 0, segments: 1 };
  const wanted = keys.map((key): SourceRecord => ({ op: "delete", event: "REMOVE", keys: key }));
  ctx.role("convert").convert(wanted, table);
  const found = await stored.find(table, wanted, ctx.signal);
  const items = await ctx.role("source").items!(table, keys, ctx.signal);
  const { expected, skipped } = await expectedOf(ctx, unit, stored, items);
  const itemOf = new Map(items.map((item) => [keyText(keyOfItem(item, table), table), item]));
  return keys.map((key, i) => {
    const text = keyText(key, table);
    const isSkipped = skipped.has(text);
    return compared(table, stored, {
      key,
      wanted: wanted[i]!,
      there: found[i]!,
      isSkipped,
      item: itemOf.get(text),
      ...expected.get(text),
    });
  });
}

interface Expected {
  record: SourceRecord;
  document: Uint8Array;
}

/** By key what the copy would store of items; hooks may drop some, and an `error` hook may want some left out. */
async function expectedOf(
  ctx: Context,
  unit: SegmentUnit,
  stored: Stored,
  items: Item[],
): Promise<{ expected: Map<string, Expected>; skipped: Set<string> }> {
  const { table } = unit;
  const skipped = new Set<string>();
  const noting: Context = {
    ...ctx,
    skip: async ({ batch }) => {
      for (const { keys } of batch.records) skipped.add(keyText(keys, table));
    },
  };
  const records = items.map((item): SourceRecord => ({
    op: "put",
    event: "SCAN",
    keys: keyOfItem(item, table),
    item,
  }));
  const asked = new Set(records.map(({ keys }) => keyText(keys, table)));
  const converted = await convertRecords(noting, unit, structuredClone(records));
  const { records: left, bytes, ends } = await encode(noting, unit, stored, converted.records);
  const expected = new Map<string, Expected>();
  for (const [i, record] of left.entries()) {
    const text = keyText(record.keys, table);
    if (!asked.has(text)) throw otherKey(table, record);
    expected.set(text, { record, document: bytes.slice(ends[i - 1] ?? 0, ends[i]) });
  }
  return { expected, skipped };
}

/** A plugin that says it keeps its keys and doesn't. */
function otherKey({ name }: Table, { keys }: SourceRecord): MigrationError {
  return new MigrationError(
    "HOOK_FAILED",
    `a plugin gives an item another key than the source's: table ${name}, key ${JSON.stringify(keys)}`,
    { hint: "a copy with other key values can only be counted: use --count-only" },
  );
}

/** An item's key. */
export function keyOfItem(item: Item, table: Table): Item {
  const keys: Item = {};
  for (const { name } of keyAttributes(table)) setField(keys, name, item[name]);
  return keys;
}

interface Sides extends Partial<Expected> {
  key: Item;
  wanted: SourceRecord;
  there: Uint8Array[];
  isSkipped: boolean;
  item: Item | undefined;
}

function compared(
  table: Table,
  stored: Stored,
  { key, wanted, record, document, there, isSkipped, item }: Sides,
): Look {
  const source = document === undefined ? "" : digestOf(table, stored, document);
  const target = there.map((each) => digestOf(table, stored, each)).join();
  const expected = document && stored.decode(table, document);
  const found = there.map((each) => stored.decode(table, each));
  const isEqual =
    source === target ||
    (expected !== undefined &&
      found.length === 1 &&
      differences(expected, found[0]!, record?.item).length === 0);
  return {
    key,
    wanted,
    isSkipped,
    ...(item !== undefined && { item }),
    ...(record !== undefined && { record }),
    ...(expected !== undefined && { expected }),
    found,
    isEqual,
    source,
    target,
  };
}

function digestOf(table: Table, stored: Stored, document: Uint8Array): string {
  let text = "";
  stored.digest(table, document, [document.length], (_, digest) => (text = digest.toString(36)));
  return text;
}
