/** Items and what is stored of them, digested alike whichever way they were encoded; and every change found. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { BSON, Decimal128, Double, Int32, Long, ObjectId } from "mongodb";
import { createContext } from "../../../core/run/context.ts";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import { MigrationError } from "../../../core/errors.ts";
import { keyText } from "../../../core/schema/keys.ts";
import type { AttributeValue, Item, SourceRecord, Table } from "../../../core/types.ts";
import change from "../../../plugins/convert/change.ts";
import mchange from "../../../plugins/convert/mchange.ts";
import raw from "../../../plugins/convert/raw.ts";
import { type BsonStored, createBsonStored } from "../../../plugins/target/_stored-bson.ts";
import { scanned, testConfig, testTable } from "../../fakes/context.ts";
import { anyItem } from "../convert/any-item.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const CONVERTERS: [string, Plugin][] = [
  ["change", change],
  ["mchange", mchange],
  ["raw", raw],
];

interface Setup {
  bson: BsonStored;
  convert: (items: Item[], table: Table) => SourceRecord[];
  short: (items: Item[], table: Table) => { bytes: Uint8Array; ends: number[] } | undefined;
}

async function setUp(plugin: Plugin, madeIds = false): Promise<Setup> {
  const sharding = madeIds && { "target.mongodb.type": "sharding" };
  const ctx = createContext({ config: testConfig({ "convert._id": "pre", ...sharding }) });
  await ctx.use(plugin);
  const converter = ctx.role("convert");
  return {
    bson: createBsonStored(ctx, { madeIds }),
    convert(items, table) {
      const records = items.map((item) => scanned(item, table));
      converter.convert(records, table);
      return records;
    },
    short(items, table) {
      const transcoder = converter.transcoder!({ phase: "full", table, segment: 0, segments: 1 });
      const body = Buffer.from(JSON.stringify({ Items: items }));
      const page = { body, records: [], position: undefined, bytes: body.length };
      const appended = transcoder.append(page);
      return appended && transcoder.take(appended.items);
    },
  };
}

interface Digest {
  key: Item | undefined;
  digest: bigint;
}

function digestOf({ bson }: Setup, table: Table, bytes: Uint8Array, ends = [bytes.length]): Digest[] {
  const found: Digest[] = [];
  bson.digest(table, bytes, ends, (key, digest) => {
    found.push({ key: key && bson.keyOf(table, key), digest });
  });
  return found;
}

function encodedItem({ bson, convert }: Setup, item: Item, table: Table): Uint8Array | undefined {
  const unit = { phase: "full", table, segment: 0, segments: 1 } as const;
  try {
    const { bytes } = bson.encode(unit, convert([item], table));
    return Uint8Array.from(bytes);
  } catch (error) {
    // What can't be migrated at all.
    if (error instanceof MigrationError && error.code === "DATA_UNFIT") return undefined;
    throw error;
  }
}

/** A document as the server hands it out: with an `_id` in front. */
function withId(document: Uint8Array): Uint8Array {
  // Behind the length: a type, `_id`, a NUL and the ObjectId's bytes.
  const front = Buffer.concat([Buffer.from([7, 0x5f, 0x69, 0x64, 0]), ObjectId.generate()]);
  const rest = document.subarray(4);
  const length = Buffer.alloc(4);
  const own = rest[0] === 7 && Buffer.from(rest.subarray(1, 5)).equals(Buffer.from("_id\0")) ? 17 : 0;
  length.writeInt32LE(4 + front.length + rest.length - own);
  return Buffer.concat([length, front, rest.subarray(own)]);
}

const TABLE = testTable("pk");

describe.each(CONVERTERS)("%s", (_, plugin) => {
  test.each([false, true])(
    "the same item, each time encoded anew, in both ways; _id made of the key: %p",
    async (made) => {
      const setup = await setUp(plugin, made);
      fc.assert(
        fc.property(anyItem, (item) => {
          const encoded = encodedItem(setup, item, TABLE);
          if (encoded === undefined) return;
          const [first] = digestOf(setup, TABLE, encoded);
          // No item has an empty key.
          if (item["pk"]!.S !== "") expect(first!.key).toEqual({ pk: item["pk"]! });
          expect(digestOf(setup, TABLE, encodedItem(setup, item, TABLE)!)).toEqual([first!]);
          expect(digestOf(setup, TABLE, withId(encoded))).toEqual([first!]);
          const short = setup.short([item, item], TABLE);
          if (short) expect(digestOf(setup, TABLE, short.bytes, short.ends)).toEqual([first!, first!]);
        }),
        { numRuns: 150 },
      );
    },
  );

  test("any other byte is another digest, or no BSON", async () => {
    const setup = await setUp(plugin);
    fc.assert(
      fc.property(anyItem, fc.nat(), fc.integer({ min: 1, max: 255 }), (item, place, flip) => {
        const encoded = encodedItem(setup, item, TABLE);
        if (encoded === undefined) return;
        const [before] = digestOf(setup, TABLE, encoded);
        const changed = Uint8Array.from(encoded);
        // The first 21 bytes are the length and the made-up `_id`.
        const at = 21 + (place % (encoded.length - 21));
        changed[at] = changed[at]! ^ flip;
        try {
          const [after] = digestOf(setup, TABLE, changed);
          expect(after!.digest).not.toBe(before!.digest);
          setup.bson.decode(TABLE, changed);
        } catch (error) {
          expect(error).toMatchObject({ code: "TARGET_FAILED" });
        }
      }),
      { numRuns: 250 },
    );
  });

  const value: Record<string, fc.Arbitrary<AttributeValue>> = {
    S: fc.string({ unit: "binary", minLength: 1 }).map((S) => ({ S })),
    B: fc.uint8Array({ minLength: 1 }).map((bytes) => ({ B: Buffer.from(bytes).toString("base64") })),
    N: fc
      .tuple(fc.boolean(), fc.stringMatching(/^[1-9]\d{0,14}$/), fc.integer({ min: -130, max: 110 }))
      .map(([negative, digits, exponent]) => ({ N: decimal(negative, digits, exponent) })),
  };
  test.each([
    ["pk", undefined],
    ["pk:N", undefined],
    ["pk:B", "sk:N"],
    ["__proto__:N", "_bsontype"],
  ])("keys come back: %s and %s", async (partition, sort) => {
    const setup = await setUp(plugin);
    const table = testTable(partition, sort);
    const parts = [partition, ...(sort ? [sort] : [])].map((part) => part.split(":") as [string, string?]);
    const key = fc
      .tuple(...parts.map(([, type = "S"]) => value[type]!))
      .map((values) => itemOf(parts.map(([name], i) => [name, values[i]!])));
    fc.assert(
      fc.property(key, (keys) => {
        const encoded = encodedItem(setup, keys, table);
        if (encoded === undefined) return;
        const [found] = digestOf(setup, table, encoded);
        expect(keyText(found!.key!, table)).toBe(keyText(keys, table));
      }),
      { numRuns: 150 },
    );
  });
});

function decimal(negative: boolean, digits: string, exponent: number): string {
  const sign = negative ? "-" : "";
  if (exponent >= 0) return sign + digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

function itemOf(entries: [string, AttributeValue][]): Item {
  return Object.fromEntries(entries);
}

describe("keys of another type", () => {
  const keyOf = async (
    value: unknown,
    table = testTable("pk:N"),
    plugin = change,
  ): Promise<Item | undefined> => {
    const setup = await setUp(plugin);
    return digestOf(setup, table, BSON.serialize({ _id: 1, pk: value }, { ignoreUndefined: false }))[0]!.key;
  };

  test.each([
    [new Int32(5), "5"],
    [new Double(5), "5"],
    [new Double(-0), "0"],
    [Long.fromString("5"), "5"],
    [Decimal128.fromString("5"), "5"],
    [Decimal128.fromString("5.00"), "5"],
    [Decimal128.fromString("5E+2"), "500"],
    [Decimal128.fromString("-0"), "0"],
    [new Double(0.1), "0.1"],
    [Decimal128.fromString("0.10"), "0.1"],
    [Long.fromString("9223372036854775807"), "9223372036854775807"],
    [Long.fromString("-9223372036854775808"), "-9223372036854775808"],
    [Decimal128.fromString("9223372036854775807"), "9223372036854775807"],
    [Decimal128.fromString("9223372036854775808"), "9223372036854775808"],
    [new Double(2 ** 53), "9007199254740992"],
    [new Double(-(2 ** 60)), "-1152921504606846976"],
    [new Double(1e20), "100000000000000000000"],
    ["12345678901234567890123456789012345678", "12345678901234567890123456789012345678"],
  ])("%p is the number %s", async (value, N) => {
    expect(await keyOf(value)).toEqual({ pk: { N } });
  });

  test.each([
    [Number.NaN],
    [Infinity],
    [Decimal128.fromString("NaN")],
    ["5"],
    ["x"],
    [true],
    [null],
    [undefined],
    [[5]],
    [{ N: "5" }],
    [new BSON.MinKey()],
  ])("%p is no number's", async (value) => {
    expect(await keyOf(value)).toBeUndefined();
  });

  test.each([
    [Decimal128.fromString("9.99E+125"), true],
    [Decimal128.fromString("1E+126"), false],
    [Decimal128.fromString("1E-130"), true],
    [Decimal128.fromString("9E-131"), false],
    [Decimal128.fromString("1E+6000"), false],
    [new Double(1e300), false],
    ["123456789012345678901234567890123456789", false],
  ])("%p is in the service's range: %p", async (value, can) => {
    expect((await keyOf(value)) !== undefined).toBe(can);
  });

  test.each([
    ["", false],
    ["x".repeat(2048), true],
    ["x".repeat(2049), false],
    ["Ü".repeat(1025), false],
  ])("a text, number %#", async (value, can) => {
    expect((await keyOf(value, testTable("pk"))) !== undefined).toBe(can);
  });

  test("a binary of another subtype is none that an item has", async () => {
    const table = testTable("pk:B");
    const bytes = Buffer.from("ab");
    expect(await keyOf(new BSON.Binary(bytes, 0), table)).toEqual({ pk: { B: "YWI=" } });
    expect(await keyOf(new BSON.Binary(bytes, 4), table)).toBeUndefined();
  });
});

describe("_id", () => {
  const both = async (one: unknown, other: unknown, table: Table, made = false): Promise<bigint[]> => {
    const setup = await setUp(change, made);
    return [one, other].map((_id) => digestOf(setup, table, BSON.serialize({ _id, pk: "a" }))[0]!.digest);
  };
  test.each([
    ["made up", new ObjectId(), new ObjectId(), "pk", false, true],
    ["a plugin's own", "x", "y", "pk", false, false],
    ["a plugin's own, or none", "x", new ObjectId(), "pk", false, false],
    ["made of the key", "x", new ObjectId(), "pk", true, true],
  ] as const)("%s", async (_, one, other, partition, made, same) => {
    const [first, second] = await both(one, other, testTable(partition), made);
    expect(first === second).toBe(same);
  });

  test("wherever it stands", async () => {
    const setup = await setUp(change);
    const digests = [
      { _id: "x", pk: "a", n: 1 },
      { pk: "a", _id: "x", n: 1 },
      { pk: "a", n: 1, _id: "x" },
    ].map((document) => digestOf(setup, TABLE, BSON.serialize(document))[0]!.digest);
    expect(new Set(digests).size).toBe(1);
  });
});
