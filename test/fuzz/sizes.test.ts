/** Items as large, as wide and as deep as DynamoDB lets them be, and deeper: both ways make the same of them, or refuse them. */
import { describe, expect, test } from "bun:test";
import { MigrationError } from "../../core/errors.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Item, SourceRecord } from "../../core/types.ts";
import change from "../../plugins/convert/change.ts";
import mchange from "../../plugins/convert/mchange.ts";
import raw from "../../plugins/convert/raw.ts";
import { scanPage } from "../../plugins/source/dynamodb-scan/scan-page.ts";
import { encodeRecords } from "../../plugins/target/_documents.ts";
import { setUpConverter, testTable } from "../fakes/context.ts";

const TABLE = testTable("pk");
/** Where a generated `_id`'s 12 bytes stand. */
const GENERATED = { from: 9, to: 21 };
const LIMIT = 32;
const MANY = 30_000;
const KEY = "k".repeat(2048);

const lists = (depth: number): string => `${'{"L":['.repeat(depth)}{"S":"x"}${"]}".repeat(depth)}`;
const maps = (depth: number): string => `${'{"M":{"a":'.repeat(depth)}{"N":"1"}${"}}".repeat(depth)}`;
const attributes = Array.from({ length: MANY }, (_, i) => `"a${i}":{"N":"${i}"}`).join(",");
const digits = Array.from({ length: 1000 }, (_, i) => `"1.${"2".repeat(32)}E${(i % 200) - 100}"`);
const texts = Array.from({ length: MANY }, (_, i) => `"${i}"`);

/** Further attributes of an item. */
const ITEMS: [what: string, attributes: string][] = [
  ["400 KB in one text", `"a":{"S":"${"x".repeat(400_000)}"}`],
  ["many attributes at the top", attributes],
  ["many in one map", `"m":{"M":{${attributes}}}`],
  ["a set of many texts", `"s":{"SS":[${texts.join(",")}]}`],
  ["numbers of 33 digits with exponents", `"s":{"NS":[${digits.join(",")}]}`],
  ...[LIMIT, 100, 1000].flatMap((depth): [string, string][] => [
    [`lists in each other, ${depth}`, `"l":${lists(depth)}`],
    [`maps in each other, ${depth}`, `"m":${maps(depth)}`],
  ]),
];
const HOSTILE: [what: string, attributes: string][] = [
  ["lists", `"l":${lists(100_000)}`],
  ["maps", `"m":${maps(100_000)}`],
];

const toRecord = (item: Item): SourceRecord => ({
  op: "put",
  event: "SCAN",
  keys: { pk: item["pk"]! },
  item,
});
const bodyOf = (more: string): Buffer => Buffer.from(`{"Count":1,"Items":[{"pk":{"S":"${KEY}"},${more}}]}`);

function hex(bytes: Uint8Array): string {
  const copy = Buffer.from(bytes);
  copy.fill(0, GENERATED.from, GENERATED.to);
  return copy.toString("hex");
}

describe.each<[string, Plugin]>([
  ["change", change],
  ["mchange", mchange],
  ["raw", raw],
])("by %s", (_name, plugin) => {
  const setUp = setUpConverter(plugin);

  async function both(more: string): Promise<{ short: string | undefined; long: () => string }> {
    const converter = await setUp;
    const unit = { phase: "full", table: TABLE, segment: 0, segments: 1 } as const;
    const transcoder = converter.transcoder!(unit);
    const encoded = transcoder.append(scanPage(bodyOf(more), ["pk"], toRecord));
    const short = encoded === undefined ? undefined : hex(transcoder.take(encoded.items).bytes);
    const long = (): string => {
      const { records } = scanPage(bodyOf(more), ["pk"], toRecord);
      converter.convert(records, TABLE);
      return hex(encodeRecords(records, TABLE, converter.numbers === "double").bytes);
    };
    return { short, long };
  }

  test.each(ITEMS)("%s", async (_, more) => {
    const { short, long } = await both(more);
    expect(short).toBeDefined();
    expect(short === long()).toBe(true);
  });

  test.each(HOSTILE)("100,000 %s in each other are refused by name", async (_, more) => {
    const { short, long } = await both(more);
    expect(short).toBeUndefined();
    expect(long).toThrow(MigrationError);
    expect(long).toThrow(expect.objectContaining({ code: "DATA_UNFIT" }));
  });
});
