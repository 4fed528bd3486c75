/** A document's `_id` by the short way is the one by the way of objects, and the rest of it is the same. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createDocumentWriter } from "../../../../plugins/_bson/document-writer.ts";
import { documentId } from "../../../../plugins/_bson/document-id.ts";
import type { Plugin } from "../../../../core/plugin/plugin.ts";
import type { AttributeValue, Item, Page, Table } from "../../../../core/types.ts";
import type { Transcoder } from "../../../../core/plugin/transcoder.ts";
import change from "../../../../plugins/convert/change.ts";
import mchange from "../../../../plugins/convert/mchange.ts";
import raw from "../../../../plugins/convert/raw.ts";
import { scanned, setUpConverter, testTable } from "../../../fakes/context.ts";
import { itemOf } from "../../convert/behaviour.ts";

const SHARDING = { "target.mongodb.type": "sharding" };
const PLUGINS: [name: string, plugin: Plugin][] = [
  ["change", change],
  ["mchange", mchange],
  ["raw", raw],
];

interface Setup {
  table: Table;
  transcoder: Transcoder;
  byObjects: (items: Item[]) => string[];
}

async function setUp(plugin: Plugin, table: Table, settings: Record<string, string> = {}): Promise<Setup> {
  const converter = await setUpConverter(plugin, { ...SHARDING, ...settings });
  return {
    table,
    transcoder: converter.transcoder!({ phase: "full", table, segment: 0, segments: 1 }),
    byObjects: (items) =>
      items.map((item) => {
        const record = scanned(item, table);
        converter.convert([record], table);
        const writer = createDocumentWriter({ doubles: converter.numbers === "double", addId: true });
        writer.append(record.document!, documentId(record.keys, table.keys));
        return Buffer.from(writer.bytes()).toString("hex");
      }),
  };
}

function pageOf(items: Item[], encode: (items: Item[]) => string, table: Table): Page {
  const body = Buffer.from(`{"Items":${encode(items)}}`);
  const records = items.map((item) => scanned(item, table));
  return { body, records, position: undefined, bytes: body.length };
}

/** The documents by the short way; undefined: it was left. */
function short(
  { transcoder, table }: Setup,
  items: Item[],
  encode: (items: Item[]) => string = JSON.stringify,
): string[] | undefined {
  const appended = transcoder.append(pageOf(items, encode, table));
  if (appended === undefined) return undefined;
  const { bytes, ends } = transcoder.take(appended.items);
  return ends.map((end, i) => Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)).toString("hex"));
}

const escapes = (items: Item[]): string =>
  JSON.stringify(items)
    .replaceAll("/", "\\/")
    .replaceAll(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`,
    );

const S = fc.string({ unit: "binary", maxLength: 60 }).map((S): AttributeValue => ({ S }));
const N = fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }).map((n): AttributeValue => ({ N: String(n) }));
const B = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes): AttributeValue => ({ B: Buffer.from(bytes).toString("base64") }));
const KEYS: [type: string, values: fc.Arbitrary<AttributeValue>][] = [
  ["S", S],
  ["N", N],
  ["B", B],
];

describe.each(PLUGINS)("%s", (_name, plugin) => {
  test.each(KEYS)("any partition and sort key of type %s, anywhere in the item", async (type, values) => {
    const setup = await setUp(plugin, testTable(`pk:${type}`, `sk:${type}`));
    const decoy: AttributeValue = { M: { pk: { S: "x" }, sk: { S: "y" } } };
    const item = fc
      .tuple(values, values, fc.integer({ min: 0, max: 3 }), fc.boolean())
      .map(([pk, sk, at, turned]) => {
        const others: [string, AttributeValue][] = [
          ["pk2", { S: "é".repeat(50) }],
          ["m", decoy],
          ["p", { N: "1" }],
        ];
        others.splice(at, 0, turned ? ["sk", sk] : ["pk", pk]);
        return itemOf([...others, turned ? ["pk", pk] : ["sk", sk]]);
      });
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(JSON.stringify, escapes),
        (items, encode) => {
          expect(short(setup, items, encode)).toEqual(setup.byObjects(items));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("names that trip over something, and a key called _id with a prefix", async () => {
    for (const name of ["__proto__", "_bsontype", "ключ", "1", "x".repeat(60), "_id"]) {
      const setup = await setUp(plugin, testTable(name), { "convert._id": "pre" });
      const items = [
        itemOf([
          ["a", { S: "1" }],
          [name, { S: "k" }],
          ["m", { M: itemOf([[name, { S: "no" }]]) }],
        ]),
      ];
      expect(short(setup, items)).toEqual(setup.byObjects(items));
    }
  });

  test("items beyond the first buffer", async () => {
    const setup = await setUp(plugin, testTable("pk"));
    const items = [
      { pk: { S: "a" }, v: { S: "x".repeat(390_000) } },
      { v: { S: "x".repeat(390_000) }, pk: { S: "b" } },
    ];
    expect(short(setup, items)).toEqual(setup.byObjects(items));
  });

  test("an item without a part of its key is left to the way of objects, also after one that has it", async () => {
    const setup = await setUp(plugin, testTable("pk", "sk"));
    const whole = { pk: { S: "a" }, sk: { S: "b" } };
    expect(short(setup, [whole, { pk: { S: "a" } }])).toBeUndefined();
    expect(short(setup, [whole, { sk: { S: "b" } }])).toBeUndefined();
    expect(short(setup, [whole])).toEqual(setup.byObjects([whole]));
  });

  test("the key called _id stays the _id", async () => {
    const setup = await setUp(plugin, testTable("_id"));
    const items = [{ a: { S: "x" }, _id: { S: "k" } }];
    expect(short(setup, items)).toEqual(setup.byObjects(items));
  });
});
