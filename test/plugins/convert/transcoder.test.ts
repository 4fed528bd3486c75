/** The short way gives the long way's bytes: parse, convert, encode. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createDocumentWriter } from "../../../plugins/_bson/document-writer.ts";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import type { Converter } from "../../../core/plugin/roles.ts";
import type { AttributeValue, Item, Page, SourceRecord, Table } from "../../../core/types.ts";
import type { EncodedBatch, Transcoder } from "../../../core/plugin/transcoder.ts";
import change from "../../../plugins/convert/change.ts";
import mchange from "../../../plugins/convert/mchange.ts";
import raw from "../../../plugins/convert/raw.ts";
import { scanned, setUpConverter, testTable } from "../../fakes/context.ts";
import { itemOf } from "./behaviour.ts";
import { anyItem } from "./any-item.ts";
import { VALUES } from "./every-value.ts";
import { NAMES } from "./names.ts";
import { WRITTEN } from "./written.ts";

const TABLE = testTable("pk");
const PLUGINS: [name: string, plugin: Plugin][] = [
  ["change", change],
  ["mchange", mchange],
  ["raw", raw],
];
/** Where a generated `_id`'s 12 bytes stand: behind the length, the type, and the name with its NUL. */
const GENERATED = { from: 9, to: 21 };
const PREFIX = { "convert._id": "pre" };

interface Setup {
  converter: Converter;
  table: Table;
}

async function setUp(
  plugin: Plugin,
  settings: Record<string, string> = {},
  table: Table = TABLE,
): Promise<Setup> {
  return { converter: await setUpConverter(plugin, settings), table };
}

function transcoderOf({ converter, table }: Setup): Transcoder {
  return converter.transcoder!({ phase: "full", table, segment: 0, segments: 1 });
}

/** The service's answer; `encode` may write JSON differently. */
function bodyOf(items: Item[], encode: (items: Item[]) => string = JSON.stringify): string {
  return `{"Count":${items.length},"Items":${encode(items)},"ScannedCount":${items.length}}`;
}

function pageOf(body: string, table: Table): Page {
  const bytes = Buffer.from(body);
  return {
    body: bytes,
    get records(): SourceRecord[] {
      const { Items } = JSON.parse(body) as { Items: Item[] };
      return Items.map((item) => scanned(item, table));
    },
    position: undefined,
    bytes: bytes.length,
  };
}

/** Documents with the generated `_id`'s bytes as zeros. */
function documents(bytes: Uint8Array, ends: number[], generated: boolean): string[] {
  return ends.map((end, i) => {
    const document = Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end));
    if (generated) document.fill(0, GENERATED.from, GENERATED.to);
    return document.toString("hex");
  });
}

/** What a page becomes; `documents` is undefined when the way can't be gone. */
interface Outcome {
  documents: string[] | undefined;
  overflowed?: number;
}

function longWay({ converter, table }: Setup, body: string, generated = true): Outcome {
  const { records } = pageOf(body, table);
  try {
    const { overflowed } = converter.convert(records, table);
    const writer = createDocumentWriter({ doubles: converter.numbers === "double", addId: true });
    const ends: number[] = [];
    for (const { document } of records) ends.push((ends.at(-1) ?? 0) + writer.append(document!));
    return { documents: documents(writer.bytes(), ends, generated), overflowed };
  } catch (error) {
    // Numbers counted before it threw are of this page.
    converter.convert([], table);
    if (error instanceof Error) return { documents: undefined };
    throw error;
  }
}

function shortWay(setup: Setup, body: string, generated = true): Outcome {
  const transcoder = transcoderOf(setup);
  const result = transcoder.append(pageOf(body, setup.table));
  expect(transcoder.count).toBe(result?.items ?? 0);
  if (result === undefined) return { documents: undefined };
  const { bytes, ends } = transcoder.take(result.items);
  expect(bytes.length).toBe(ends.at(-1) ?? 0);
  return { documents: documents(bytes, ends, generated), overflowed: result.overflowed };
}

/** Both ways; the short one is gone. */
function expectSame(setup: Setup, body: string, generated = true): void {
  const long = longWay(setup, body, generated);
  expect(long.documents).toBeDefined();
  expect(shortWay(setup, body, generated)).toEqual(long);
}

const key = { S: "k" };

describe.each(PLUGINS)("%s", (_plugin, plugin) => {
  describe.each(WRITTEN)("JSON %s", (_written, encode) => {
    test.each(VALUES.map(({ name, value }) => [name, value] as const))("%s", async (_name, value) => {
      const item: Item = { pk: key, v: value, m: { M: { v: value, l: { L: [value, value] } } } };
      expectSame(await setUp(plugin), bodyOf([item, item], encode));
    });

    test("names", async () => {
      const entries = NAMES.map((name): [string, AttributeValue] => [name, { S: name }]);
      const item = itemOf([["pk", key], ...entries, ["m", { M: itemOf(entries) }]]);
      expectSame(await setUp(plugin), bodyOf([item], encode));
      expectSame(await setUp(plugin, PREFIX), bodyOf([item], encode));
    });

    test("_id at every depth", async () => {
      const inner: AttributeValue = { M: { _id: { M: { _id: key } }, l: { L: [{ M: { _id: key } }] } } };
      expectSame(await setUp(plugin), bodyOf([{ pk: key, inner }], encode));
      expectSame(await setUp(plugin, PREFIX), bodyOf([{ pk: key, _id: inner, inner }], encode));
      const byId = await setUp(plugin, {}, testTable("_id"));
      expectSame(byId, bodyOf([{ a: key, _id: key, inner }], encode), plugin === raw);
    });
  });

  test("strings and names of every length around the copying limits", async () => {
    const items: Item[] = [];
    for (let length = 0; length < 100; length++) {
      for (const end of ["", "é", '"', "\\", "\0", "\ud83d\ude00"]) {
        const text = "x".repeat(length) + end;
        const name = text.replace("\0", "");
        items.push({ pk: key, [name]: { S: text }, m: { SS: [text, "y"] } });
      }
    }
    expectSame(await setUp(plugin), bodyOf(items));
  });

  test("numbers of every length and scale", async () => {
    const setup = await setUp(plugin);
    const digits = "12345678901234567890123456789012345678";
    const numbers = [
      "0",
      "-0",
      "0.0",
      "-0.0",
      "00",
      "1.0",
      "10.00",
      "0.10",
      "1.",
      ".5",
      "1e5",
      "-1.5E-7",
      "+5",
    ];
    for (const sign of ["", "-"]) {
      for (let length = 1; length <= 38; length++) {
        numbers.push(sign + digits.slice(0, length), `${sign}9${"0".repeat(length - 1)}`);
        for (let point = 0; point <= length; point++) {
          numbers.push(`${sign}${digits.slice(0, point) || "0"}.${digits.slice(point, length) || "0"}`);
        }
      }
      for (const edge of [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n]) {
        for (let near = edge - 2n; near <= edge + 2n; near++) numbers.push(`${sign}${near}`);
      }
    }
    expectSame(setup, bodyOf(numbers.map((number) => ({ pk: key, n: { N: number } }))));
    expectSame(setup, bodyOf([{ pk: key, n: { NS: numbers }, l: { L: numbers.map((N) => ({ N })) } }]));
  });

  test("lists of every number of digits in their index", async () => {
    expectSame(await setUp(plugin), bodyOf([{ pk: key, l: { L: Array.from({ length: 1200 }, () => key) } }]));
  });

  test("items beyond the first buffer", async () => {
    const setup = await setUp(plugin);
    expectSame(
      setup,
      bodyOf(Array.from({ length: 3000 }, () => ({ pk: key, a: { S: "é".repeat(60) }, b: { B: "AAAA" } }))),
    );
    expectSame(setup, bodyOf([{ pk: key, a: { S: "x".repeat(390_000) }, b: { N: "1" } }]));
    expectSame(setup, bodyOf([{ pk: key, a: { B: "A".repeat(500_000) }, b: { N: "1" } }]));
  });

  test("a page without items", async () => {
    expect(shortWay(await setUp(plugin), bodyOf([]))).toEqual({ documents: [], overflowed: 0 });
  });

  test.each(["", "pre"])("any items, with the prefix %j", async (prefix) => {
    const setup = await setUp(plugin, { "convert._id": prefix });
    const pages = fc.tuple(fc.array(anyItem, { maxLength: 4 }), fc.constantFrom(...WRITTEN));
    fc.assert(
      fc.property(pages, ([items, [, encode]]) => {
        const body = bodyOf(items, encode);
        const long = longWay(setup, body);
        expect(shortWay(setup, body)).toEqual(long);
      }),
      { numRuns: 500 },
    );
  });

  const bad: [name: string, item: string, settings?: Record<string, string>, table?: Table][] = [
    ["_id that is no key", `{"pk":{"S":"a"},"_id":{"S":"b"}}`],
    ["_id in escapes", `{"pk":{"S":"a"},"\\u005fid":{"S":"b"}}`],
    ["a collision", `{"pk":{"S":"a"},"_id":{"S":"b"},"pre_id":{"S":"c"}}`, PREFIX],
    ["a collision the other way round", `{"pk":{"S":"a"},"pre_id":{"S":"c"},"_id":{"S":"b"}}`, PREFIX],
    ["a NUL in a name", `{"pk":{"S":"a"},"a\\u0000":{"S":"b"}}`],
    ["half a surrogate pair", `{"pk":{"S":"a"},"a":{"S":"\\ud83d"}}`],
    ["half a surrogate pair in a name", `{"pk":{"S":"a"},"\\udc00":{"S":"b"}}`],
    ["an unknown type", `{"pk":{"S":"a"},"a":{"X":"b"}}`],
    ["an unknown set", `{"pk":{"S":"a"},"a":{"LS":["b"]}}`],
    ["no type", `{"pk":{"S":"a"},"a":{}}`],
  ];
  test.each(bad)("%s makes both ways refuse", async (_name, item, settings = {}, table = TABLE) => {
    const setup = await setUp(plugin, settings, table);
    const good = `{"pk":{"S":"good"},"n":{"N":"12345678901234567890123456789012345678"}}`;
    const body = `{"Items":[${good},${item}]}`;
    expect(longWay(setup, body)).toEqual({ documents: undefined });
    const transcoder = transcoderOf(setup);
    const goodPage = pageOf(`{"Items":[${good}]}`, setup.table);
    const first = transcoder.append(goodPage);
    expect(transcoder.append(pageOf(body, setup.table))).toBeUndefined();
    expect(transcoder.count).toBe(1);
    const { items, overflowed } = first!;
    expect(transcoder.append(goodPage)).toMatchObject({ items, overflowed });
    const { bytes, ends } = transcoder.take(2);
    const expected = longWay(setup, `{"Items":[${good},${good}]}`);
    expect(documents(bytes, ends, true)).toEqual(expected.documents!);
  });

  test.each([
    ["spaces", JSON.stringify({ Items: [{ pk: key }] }, null, 1)],
    ["a space behind a colon", `{"Items":[{"pk": {"S":"a"}}]}`],
    ["a space behind a comma", `{"Items":[{"pk":{"S":"a"}}, {"pk":{"S":"a"}}]}`],
    ["a space inside a value", `{"Items":[{"pk":{"S": "a"}}]}`],
    ["a space inside a set", `{"Items":[{"pk":{"SS":["a", "b"]}}]}`],
    ["a type in escapes", `{"Items":[{"pk":{"\\u0053":"a"}}]}`],
    ["no items", `{"Count":1}`],
  ])("JSON with %s is left to the long way", async (_name, body) => {
    const transcoder = transcoderOf(await setUp(plugin));
    expect(transcoder.append(pageOf(body, TABLE))).toBeUndefined();
    expect(transcoder.count).toBe(0);
  });

  test("JSON that ends too soon, anywhere", async () => {
    const items: Item[] = [
      { pk: key, ...Object.fromEntries(VALUES.map(({ name, value }) => [name, value])) },
    ];
    const whole = `{"Items":${JSON.stringify(items)}`;
    const transcoder = transcoderOf(await setUp(plugin));
    for (let end = 1; end < whole.length; end++) {
      const page = { records: [], body: Buffer.from(whole.slice(0, end)), position: undefined, bytes: end };
      expect(transcoder.append(page)).toBeUndefined();
    }
    expect(transcoder.count).toBe(0);
  });

  test("takes across pages, each document with its record", async () => {
    const setup = await setUp(plugin);
    const transcoder = transcoderOf(setup);
    const sizes = [3, 0, 1, 7, 2, 10];
    const texts: string[] = [];
    const taken: string[] = [];
    const check = ({ bytes, ends, record, unit }: EncodedBatch, from: number): void => {
      expect(unit.table).toBe(TABLE);
      const got = documents(bytes, ends, true);
      got.forEach((_, i) => {
        expect(record(i).item).toEqual({ pk: { S: texts[from + i]! } });
        expect(record(i).document).toBeDefined();
        expect(record(i).key).toBeDefined();
      });
      expect(() => record(transcoder.count + 1000)).toThrow();
      taken.push(...got);
    };
    const take = (count: number): void => check(transcoder.take(count), taken.length);
    for (const size of sizes) {
      const items = Array.from({ length: size }, (): Item => {
        texts.push(`text ${texts.length} ${"x".repeat(texts.length * 5)}`);
        return { pk: { S: texts.at(-1)! } };
      });
      expect(transcoder.append(pageOf(bodyOf(items), TABLE))).toMatchObject({ items: size, overflowed: 0 });
      while (transcoder.count >= 4) take(4);
    }
    take(transcoder.count);
    expect(transcoder.count).toBe(0);
    expect(taken).toEqual(longWay(setup, bodyOf(texts.map((S) => ({ pk: { S } })))).documents!);
  });

  test("what was taken stays as it is", async () => {
    const transcoder = transcoderOf(await setUp(plugin));
    const page = pageOf(bodyOf([{ pk: key }, { pk: key, a: { S: "x".repeat(1000) } }]), TABLE);
    transcoder.append(page);
    const { bytes } = transcoder.take(1);
    const before = Buffer.from(bytes);
    for (let i = 0; i < 500; i++) transcoder.append(page);
    expect(Buffer.from(bytes)).toEqual(before);
  });

  test("the same body twice", async () => {
    const setup = await setUp(plugin);
    const transcoder = transcoderOf(setup);
    const body = bodyOf([{ pk: key, a: { S: `\n${"long".repeat(30)}\n` }, b: { S: "plain".repeat(30) } }]);
    const page = pageOf(body, TABLE);
    transcoder.append(page);
    transcoder.append(page);
    const { bytes, ends } = transcoder.take(2);
    const [one] = longWay(setup, body).documents!;
    expect(documents(bytes, ends, true)).toEqual([one!, one!]);
  });

  test.each([
    ["pk:N", "pk", {}],
    ["_id:N", "_id", {}],
    ["_id:N", "_id", PREFIX],
  ])("a long number in the key %s, %p %p", async (keyName, name, settings) => {
    const setup = await setUp(plugin, settings, testTable(keyName));
    const generated = name === "pk" || settings === PREFIX;
    for (const N of ["1", "9007199254740993", "12345678901234567890123456789012345678"]) {
      const body = bodyOf([{ [name]: { N } }]);
      const long = longWay(setup, body, generated);
      const short = shortWay(setup, body, generated);
      // Keys of so many digits may be left to the long way.
      if (short.documents !== undefined || N === "1") expect(short).toEqual(long);
    }
  });
});

describe("change with convert.number_overflow", () => {
  const item: Item = { pk: key, n: { N: "1234567890123456789012345678901234567" }, l: { NS: ["1", "2"] } };
  test.each(["string", "round"])("%s counts the same", async (overflow) => {
    const setup = await setUp(change, { "convert.number_overflow": overflow });
    expectSame(setup, bodyOf([item, item]));
    expect(shortWay(setup, bodyOf([item, item])).overflowed).toBe(2);
  });

  test("fail makes both ways refuse", async () => {
    const setup = await setUp(change, { "convert.number_overflow": "fail" });
    expect(longWay(setup, bodyOf([item]))).toEqual({ documents: undefined });
    expect(shortWay(setup, bodyOf([item]))).toEqual({ documents: undefined });
  });
});

test("fields stand as they were sent, where objects put whole numbers first", async () => {
  const setup = await setUp(raw);
  const sent = shortWay(setup, `{"Items":[{"pk":{"S":"k"},"1":{"S":"a"}}]}`);
  const sorted = shortWay(setup, `{"Items":[{"1":{"S":"a"},"pk":{"S":"k"}}]}`);
  expect(sent).not.toEqual(sorted);
  expect(longWay(setup, `{"Items":[{"pk":{"S":"k"},"1":{"S":"a"}}]}`)).toEqual(sorted);
});

describe("an encoded page that somebody looks at", () => {
  const wanted = (item: Item): boolean => (item["pk"]!.S!.codePointAt(0) ?? 0) % 2 === 0;

  test("keeps what matches, as if the rest had never been there", async () => {
    const setup = await setUp(change);
    fc.assert(
      fc.property(
        fc.array(anyItem, { maxLength: 8 }),
        fc.array(anyItem, { maxLength: 8 }),
        (first, second) => {
          const transcoder = transcoderOf(setup);
          const bodies = [first, second].map((items) => bodyOf(items));
          const pages = bodies.map((body) => pageOf(body, TABLE));
          const encoded = pages.map((page) => {
            const appended = transcoder.append(page, true);
            return appended?.keep!(wanted) === undefined ? 0 : appended;
          });
          fc.pre(!encoded.includes(0));
          const left = [first, second].flatMap((items) => items.filter(wanted));
          expect(transcoder.count).toBe(left.length);
          const batch = transcoder.take(left.length);
          expect(documents(batch.bytes, batch.ends, true)).toEqual(longWay(setup, bodyOf(left)).documents!);
          left.forEach((item, i) => expect(batch.record(i).item).toEqual(item));
        },
      ),
    );
  });

  test("can be looked at twice, and taken back", async () => {
    const transcoder = transcoderOf(await setUp(change));
    const items = Array.from({ length: 9 }, (_, n): Item => ({ pk: { S: `${n}` }, n: { N: `${n}` } }));
    transcoder.append(pageOf(bodyOf(items.slice(0, 2)), TABLE), true);
    const page = transcoder.append(pageOf(bodyOf(items), TABLE), true)!;
    expect(page.keep!((item) => Number(item["n"]!.N) % 2 === 0)).toBe(5);
    expect(page.keep!((item) => Number(item["n"]!.N) > 3)).toBe(3);
    expect(transcoder.count).toBe(5);
    expect(page.takeBack()).toEqual([4, 6, 8]);
    expect(transcoder.count).toBe(2);
    expect(transcoder.take(2).record(1).item).toEqual(items[1]!);
  });

  test("can't be looked at when nobody said so", async () => {
    const transcoder = transcoderOf(await setUp(change));
    expect(transcoder.append(pageOf(bodyOf([{ pk: key }]), TABLE))!.keep).toBeUndefined();
  });
});
