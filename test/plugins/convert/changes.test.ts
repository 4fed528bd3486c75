/** The short way of changes gives the long way's bytes: parse, convert, encode. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import type { Converter } from "../../../core/plugin/roles.ts";
import type { Item, RawChange, Table, TargetDocument } from "../../../core/types.ts";
import { createDocumentWriter } from "../../../plugins/_bson/document-writer.ts";
import change from "../../../plugins/convert/change.ts";
import mchange from "../../../plugins/convert/mchange.ts";
import raw from "../../../plugins/convert/raw.ts";
import { rawChanges } from "../../../plugins/source/dynamodb-streams/raw-changes.ts";
import { setUpConverter, testTable } from "../../fakes/context.ts";
import { anyItem } from "./any-item.ts";
import { NAMES } from "./names.ts";
import { WRITTEN } from "./written.ts";

const PLUGINS: [name: string, plugin: Plugin][] = [
  ["change", change],
  ["mchange", mchange],
  ["raw", raw],
];

/** A change: its keys, and its new image where it is a put. */
interface Change {
  keys: Item;
  item?: Item | undefined;
}

interface Encoded {
  filter: string;
  document: string;
}

function bodyOf(changes: Change[], encode: (value: unknown) => string = JSON.stringify): Buffer {
  const records = changes.map(({ keys, item }, n) => {
    const image = item === undefined ? "" : `"NewImage":${encode(item)},`;
    // Another spelling of the keys' names is left to the long way.
    const parts = Object.entries(keys).map(([name, value]) => `${JSON.stringify(name)}:${encode(value)}`);
    const dynamodb = `{"Keys":{${parts.join(",")}},${image}"SequenceNumber":"${n + 1}"}`;
    return `{"eventName":"${item === undefined ? "REMOVE" : "MODIFY"}","dynamodb":${dynamodb}}`;
  });
  return Buffer.from(`{"Records":[${records.join(",")}]}`);
}

/** What the changes become; undefined: they are refused. */
type Outcome = { encoded: Encoded[]; overflowed: number } | undefined;

function longWay(converter: Converter, table: Table, changes: RawChange[]): Outcome {
  const hex = (document: TargetDocument): string => {
    const writer = createDocumentWriter({ doubles: converter.numbers === "double", addId: false });
    writer.append(document);
    return Buffer.from(writer.bytes()).toString("hex");
  };
  try {
    const records = changes.map((each) => each.record());
    const { overflowed } = converter.convert(records, table);
    const encoded = records.map(({ key, document }) => ({
      filter: hex(key!),
      document: document === undefined ? "" : hex(document),
    }));
    return { encoded, overflowed };
  } catch (error) {
    // Numbers counted before it threw are of this page.
    converter.convert([], table);
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function shortWay(converter: Converter, table: Table, changes: RawChange[]): Outcome {
  const found = converter.changes!({ phase: "incr", table, shard: "s" })!.encode(changes);
  if (found === undefined) return undefined;
  const encoded = found.changes.map(({ key, bytes, start, end }) => ({
    filter: Buffer.from(key, "latin1").toString("hex"),
    document: Buffer.from(bytes.subarray(start, end)).toString("hex"),
  }));
  return { encoded, overflowed: found.overflowed };
}

const rawOf = (body: Buffer): RawChange[] => rawChanges(body)!.changes;

/** Both ways; the short one is gone. */
function expectSame(converter: Converter, table: Table, body: Buffer): void {
  const short = shortWay(converter, table, rawOf(body));
  expect(short).toBeDefined();
  expect(short).toEqual(longWay(converter, table, rawOf(body))!);
}

describe.each(PLUGINS)("%s", (_plugin, plugin) => {
  test.each(["", "pre"])("any changes, with the prefix %j", async (prefix) => {
    const converter = await setUpConverter(plugin, { "convert._id": prefix });
    const table = testTable("pk");
    const anyChange = fc.record({ item: anyItem, isPut: fc.boolean() });
    const pages = fc.tuple(fc.array(anyChange, { maxLength: 5 }), fc.constantFrom(...WRITTEN));
    fc.assert(
      fc.property(pages, ([items, [, encode]]) => {
        const changes = items.map(({ item, isPut }) => ({
          keys: { pk: item["pk"]! },
          item: isPut ? item : undefined,
        }));
        const body = bodyOf(changes, encode);
        const long = longWay(converter, table, rawOf(body));
        expect(shortWay(converter, table, rawOf(body))).toEqual(long);
      }),
      { numRuns: 300 },
    );
  });

  const S = fc.string({ unit: fc.constantFrom("a", '"', "\\", "/", "é", "😀", "\0"), maxLength: 60 });
  const N = fc.oneof(
    fc.integer().map(String),
    fc.integer({ min: 1, max: 2 ** 31 }).map((n) => `${n}.5`),
    fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map(String),
  );
  const B = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64"));
  const VALUES = { S, N, B };

  test.each(["S", "N", "B", "S S", "S N", "N B", "B S"])("keys of the types %s", async (types) => {
    const [first, second] = types.split(" ") as ("S" | "N" | "B")[];
    const converter = await setUpConverter(plugin);
    const table = testTable(`pk:${first}`, second && `sk:${second}`);
    const members = fc
      .tuple(VALUES[first!], VALUES[second ?? "S"], fc.boolean())
      .map(([one, two, turned]) => {
        const parts: [string, object][] = [["pk", { [first!]: one }]];
        if (second !== undefined) parts.push(["sk", { [second]: two }]);
        return Object.fromEntries(turned ? parts.toReversed() : parts) as Item;
      });
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 3 }), (keys) => {
        const body = bodyOf(keys.map((each) => ({ keys: each, item: each })));
        const long = longWay(converter, table, rawOf(body));
        const short = shortWay(converter, table, rawOf(body));
        // Keys of so many digits are left to the long way.
        const isLong = keys.some((each) =>
          Object.values(each).some(({ N: digits = "" }) => digits.length > 15),
        );
        if (short !== undefined || !isLong) expect(short).toEqual(long);
      }),
    );
  });

  test("keys of every name", async () => {
    const converter = await setUpConverter(plugin);
    for (const name of NAMES) {
      const table = testTable("pk", "sk");
      table.keys.partition.name = name;
      const keys = JSON.parse(`{"sk":{"S":"b"},${JSON.stringify(name)}:{"S":"a"}}`) as Item;
      expectSame(converter, table, bodyOf([{ keys, item: keys }, { keys }]));
    }
  });

  test.each([
    ["_id", ""],
    ["_id", "pre"],
    ["_id:N", ""],
  ])("a table whose key is %s, with the prefix %j", async (partition, prefix) => {
    const converter = await setUpConverter(plugin, { "convert._id": prefix });
    const keys = { _id: partition.endsWith("N") ? { N: "1" } : { S: "a" } } as Item;
    const item = { a: { S: "b" }, ...keys, m: { M: { _id: { S: "c" } } } } as Item;
    expectSame(converter, testTable(partition), bodyOf([{ keys, item }, { keys }]));
  });

  test("a long text in a key, behind texts with escapes and without", async () => {
    const converter = await setUpConverter(plugin);
    const texts = ["x".repeat(500), `${"x".repeat(300)}"`, "é".repeat(400), "short", `\\${"y".repeat(100)}`];
    const changes = texts.flatMap((text) => {
      const keys = { pk: { S: text }, sk: { S: `${text}2` } };
      return [{ keys, item: { ...keys, t: { S: text } } }, { keys }];
    });
    expectSame(converter, testTable("pk", "sk"), bodyOf(changes));
    expectSame(converter, testTable("pk", "sk"), bodyOf(changes.toReversed()));
  });

  test.each([
    ["a key of another type", { pk: { N: "1" } }, undefined],
    ["no key", {}, undefined],
    ["a key too many", { pk: { S: "a" }, sk: { S: "b" } }, undefined],
    ["an unknown type", { pk: { S: "a" } }, { pk: { S: "a" }, x: { X: "b" } }],
    ["half a surrogate pair in a key", { pk: { S: "\ud800" } }, undefined],
  ])("%s: all of the page is left to the long way, and the next one isn't", async (_, keys, item) => {
    const converter = await setUpConverter(plugin);
    const table = testTable("pk");
    const encoder = converter.changes!({ phase: "incr", table, shard: "s" })!;
    const good = { pk: { S: "good" }, n: { N: "12345678901234567890123456789012345678" } };
    const page = [{ keys: { pk: good.pk }, item: good }];
    const bad = { keys, item } as unknown as Change;
    expect(encoder.encode(rawOf(bodyOf([...page, bad])))).toBeUndefined();
    const { changes, overflowed } = encoder.encode(rawOf(bodyOf(page)))!;
    expect(changes.map(({ start }) => start)).toEqual([0]);
    expect(overflowed).toBe(longWay(converter, table, rawOf(bodyOf(page)))!.overflowed);
  });

  test("no short way where documents are found by an `_id` made of the key", async () => {
    const converter = await setUpConverter(plugin, { "target.mongodb.type": "sharding" });
    expect(converter.changes!({ phase: "incr", table: testTable("pk"), shard: "s" })).toBeUndefined();
  });

  test("what was encoded stays as it is", async () => {
    const converter = await setUpConverter(plugin);
    const encoder = converter.changes!({ phase: "incr", table: testTable("pk"), shard: "s" })!;
    const keys = { pk: { S: "a" } };
    const body = bodyOf([{ keys, item: { ...keys, t: { S: "x".repeat(1000) } } }]);
    const { bytes, start, end } = encoder.encode(rawOf(body))!.changes[0]!;
    const before = Buffer.from(bytes.subarray(start, end));
    for (let i = 0; i < 500; i++) encoder.encode(rawOf(body));
    expect(Buffer.from(bytes.subarray(start, end))).toEqual(before);
  });
});
