/** Items are handed on as they are: as records, and as bytes cut out of a page's body. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AttributeValue, Item, Page, SourceRecord, Table } from "../../../core/types.ts";
import same from "../../../plugins/convert/same.ts";
import { scanned, setUpConverter, testTable } from "../../fakes/context.ts";
import { VALUES } from "./every-value.ts";

const TABLE = testTable("pk", "sk:N");
const converter = await setUpConverter(same);

function pageOf(body: string, table: Table = TABLE): Page {
  const bytes = Buffer.from(body);
  return {
    body: bytes,
    get records(): SourceRecord[] {
      return (JSON.parse(body) as { Items: Item[] }).Items.map((item) => scanned(item, table));
    },
    position: undefined,
    bytes: bytes.length,
  };
}

/** The items' texts as they come out, or undefined where the short way can't be gone. */
function cut(...bodies: string[]): string[] | undefined {
  const transcoder = converter.transcoder!({ phase: "full", table: TABLE, segment: 0, segments: 1 });
  for (const body of bodies) if (transcoder.append(pageOf(body)) === undefined) return undefined;
  const { bytes, ends } = transcoder.take(transcoder.count);
  return ends.map((end, i) => Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)).toString("utf8"));
}

const bodyOf = (texts: string[]): string =>
  `{"Count":${texts.length},"Items":[${texts.join(",")}],"ScannedCount":1}`;

describe("records", () => {
  test("keep their items; the key is under the target's names", () => {
    const table = testTable("pk", "sk:N");
    table.keys.partition.targetName = "id";
    const item: Item = { id: { S: "a" }, sk: { N: "1.50" }, v: { NS: ["1"] } };
    const records: SourceRecord[] = [
      { op: "put", event: "INSERT", keys: { pk: { S: "a" }, sk: { N: "1.50" } }, item },
      { op: "delete", event: "REMOVE", keys: { pk: { S: "b" }, sk: { N: "2" } } },
    ];
    expect(converter.convert(records, table)).toEqual({ overflowed: 0 });
    expect(records[0]).toMatchObject({ key: { id: { S: "a" }, sk: { N: "1.50" } }, document: item });
    expect(records[0]!.document).toBe(item);
    expect(records[1]).toMatchObject({ key: { id: { S: "b" }, sk: { N: "2" } } });
    expect(records[1]!.document).toBeUndefined();
    expect(converter.fieldPath(table.keys.partition)).toBe("id");
  });

  test("convert._id changes nothing", async () => {
    const prefixed = await setUpConverter(same, { "convert._id": "pre" });
    const table = testTable("_id");
    const records = [scanned({ _id: { S: "a" } }, table)];
    prefixed.convert(records, table);
    expect(records[0]).toMatchObject({ key: { _id: { S: "a" } }, document: { _id: { S: "a" } } });
    expect(prefixed.fieldPath(table.keys.partition)).toBe("_id");
  });
});

describe("bytes", () => {
  test.each(VALUES)("$name", ({ value }) => {
    const texts = [value, value].map((v, i) => JSON.stringify({ pk: { S: `k${i}` }, sk: { N: "1" }, v }));
    expect(cut(bodyOf(texts))).toEqual(texts);
  });

  test("are the service's, however it writes them", () => {
    const texts = [
      '{ "pk" : {"S":"\\u00e9\\/"} , "sk":{"N":"1"} }',
      String.raw`{"\"}]{[":{"S":"\\\\\""},"b":{"L":[{"S":"]}"},{"M":{}}]}}`,
      `{"long":{"S":"${"x".repeat(100)}\\\\\\"${"y".repeat(100)}"}}`,
    ];
    expect(cut(bodyOf(texts))).toEqual(texts);
  });

  test("of a page that somebody looked at, and of one that was taken back", () => {
    const transcoder = converter.transcoder!({ phase: "full", table: TABLE, segment: 0, segments: 1 });
    const texts = Array.from({ length: 6 }, (_, n) => `{"pk":{"S":"k${n}"},"n":{"N":"${n}"}}`);
    transcoder.append(pageOf(bodyOf(texts.slice(0, 1))));
    const page = transcoder.append(pageOf(bodyOf(texts)))!;
    expect(page.keep!((item) => Number(item["n"]!.N) % 2 === 1)).toBe(3);
    expect(transcoder.take(3).ends).toHaveLength(3);
    expect(transcoder.take(1).record(0).item).toEqual(JSON.parse(texts[5]!) as Item);
    const other = transcoder.append(pageOf(bodyOf(texts)))!;
    other.keep!((item) => Number(item["n"]!.N) > 3);
    expect(other.takeBack()).toEqual([4, 5]);
    expect(transcoder.count).toBe(0);
  });

  test("of several pages, taken in pieces, with the records behind them", () => {
    const texts = Array.from({ length: 7 }, (_, i) =>
      JSON.stringify({ pk: { S: `k${i}` }, sk: { N: `${i}` } }),
    );
    const transcoder = converter.transcoder!({ phase: "full", table: TABLE, segment: 0, segments: 1 });
    expect(transcoder.append(pageOf(bodyOf(texts.slice(0, 3))))).toMatchObject({ items: 3, overflowed: 0 });
    expect(transcoder.append(pageOf(bodyOf([])))).toMatchObject({ items: 0, overflowed: 0 });
    expect(transcoder.append(pageOf(bodyOf(texts.slice(3))))).toMatchObject({ items: 4, overflowed: 0 });
    const out: string[] = [];
    for (const count of [2, 4, 1]) {
      const { bytes, ends, record } = transcoder.take(count);
      expect(ends).toHaveLength(count);
      for (const [i, end] of ends.entries()) {
        const text = Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)).toString();
        expect(record(i)).toMatchObject({
          document: JSON.parse(text) as object,
          keys: JSON.parse(text) as object,
        });
        out.push(text);
      }
    }
    expect(out).toEqual(texts);
    expect(transcoder.count).toBe(0);
  });

  test.each([
    '{"Count":0}',
    '{"Items":[ {"a":{}}]}',
    '{"Items":[{"a":{"S":"x}]}',
    '{"Items":[{} ,{}]}',
    '{"Items":[1]}',
  ])("%s is left to the other way", (body) => expect(cut(body)).toBeUndefined());

  test("any items, against JSON.parse", () => {
    const text = fc.string({ unit: "binary", maxLength: 60 });
    const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.record({ S: text }),
        fc.record({ N: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) }),
        fc.record({ SS: fc.array(text, { maxLength: 3 }) }),
        fc.record({ L: fc.array(tie("value"), { maxLength: 3 }) }),
        fc.record({ M: fc.dictionary(text, tie("value"), { maxKeys: 3 }) }),
      ),
    }));
    const items = fc.array(fc.dictionary(text, value, { maxKeys: 5 }), { maxLength: 6 });
    fc.assert(
      fc.property(items, (list) => {
        const texts = list.map((item) => JSON.stringify(item));
        expect(cut(bodyOf(texts))).toEqual(texts);
      }),
    );
  });
});
