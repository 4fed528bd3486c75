/** A Scan's answer as any server may write it, and one that isn't whole. */
import { describe, expect, test } from "bun:test";
import type { Item } from "../../../../core/types.ts";
import { scanPage } from "../../../../plugins/source/dynamodb-scan/scan-page.ts";
import { scanned, testTable } from "../../../fakes/context.ts";

const KEYS = ["pk", "sk"];
const TABLE = testTable("pk", "sk:N");
const KEY: Item = { pk: { S: "b" }, sk: { N: "2" } };
const ITEMS: Item[] = [
  { pk: { S: "a}" }, sk: { N: "1" }, LastEvaluatedKey: { M: { pk: { S: '"LastEvaluatedKey":{}' } } } },
  { ...KEY, list: { L: [{ M: { LastEvaluatedKey: { S: "x" } } }, { S: "LastEvaluatedKey" }] } },
];

const read = (text: string, keyNames = KEYS) =>
  scanPage(Buffer.from(text), keyNames, (item) => scanned(item, TABLE));

const itemsOf = (text: string) => read(text).records.map(({ item }) => item);

const COMPACT = JSON.stringify({ Count: 2, Items: ITEMS, LastEvaluatedKey: KEY, ScannedCount: 2 });
const LAYOUTS: [string, string][] = [
  ["as AWS writes it", COMPACT],
  ["with a blank before the colon", COMPACT.replaceAll(/(?<!\\)":/g, '" :')],
  ["indented", JSON.stringify(JSON.parse(COMPACT), null, 2)],
  ["with blanks around", `\r\n ${COMPACT}\n`],
  ["with the key first", JSON.stringify({ LastEvaluatedKey: KEY, ScannedCount: 2, Count: 2, Items: ITEMS })],
  ["with the key last", JSON.stringify({ Items: ITEMS, Count: 2, LastEvaluatedKey: KEY })],
  [
    "with letters escaped",
    COMPACT.replace('"LastEvaluatedKey":{"pk":{"S":"b"', '"LastEvaluated\\u004bey":{"pk":{"S":"b"'),
  ],
];

describe("the key to go on from, and the items", () => {
  test.each(LAYOUTS)("%s", (_, text) => {
    expect(read(text).position).toEqual(KEY);
    expect(itemsOf(text)).toEqual(ITEMS);
  });

  test.each(LAYOUTS)("%s, cut anywhere: no answer", (_, text) => {
    for (let end = 0; end < text.trimEnd().length; end++) {
      expect(() => read(text.slice(0, end))).toThrow(
        expect.objectContaining({ name: "MalformedAnswerError" }),
      );
    }
  });
});

test.each([
  ["no member", {}],
  ["null", { LastEvaluatedKey: null }],
  ["no attribute", { LastEvaluatedKey: {} }],
])("the end written as %s", (_, end) => {
  const text = JSON.stringify({ Items: ITEMS, Count: 2, ...end });
  expect(read(text).position).toBeUndefined();
  expect(itemsOf(text)).toEqual(ITEMS);
});

test("a cut behind an attribute that is called like the key doesn't make it one", () => {
  const item = { M: { S: "k" }, LastEvaluatedKey: { M: { S: { S: "x" } } } };
  const text = JSON.stringify({ Items: [item] });
  const cut = text.slice(0, text.lastIndexOf("]"));
  expect(() => read(cut, ["M"])).toThrow(expect.objectContaining({ name: "MalformedAnswerError" }));
});

test.each([
  "",
  "null",
  "[]",
  '"x"',
  "<html>",
  "{}",
  '{"Count":3}',
  '{"Items":{},"Count":1}',
  '{"Items":[],"LastEvaluatedKey":"x"}',
])("%j is no answer", (text) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ name: "MalformedAnswerError" }));
});

test("no items at all, and a key to go on from", () => {
  const text = JSON.stringify({ Count: 0, ScannedCount: 9, LastEvaluatedKey: KEY });
  expect(read(text).position).toEqual(KEY);
  expect(itemsOf(text)).toEqual([]);
});

test("of a last page the items are looked over, not parsed: many at once would fill the memory with objects", () => {
  const page = read(`{"Count":1,"Items":[{"pk":{"S":"]}"},broken}],"ScannedCount":1}`);
  expect(page.position).toBeUndefined();
  expect(() => page.records).toThrow(expect.objectContaining({ code: "SOURCE_FAILED" }));
});

test.each([
  ["is no item", '{"Items":[null],"LastEvaluatedKey":{"pk":{"S":"a"}}}'],
  ["is no JSON", '{"Items":[{"pk":{"S":"a}}],"LastEvaluatedKey":{"pk":{"S":"a"}}}'],
])("an item that %s is told with a code, and no defect of ours", (_, text) => {
  const page = scanPage(Buffer.from(text), ["pk"], (item) => scanned(item, testTable("pk")));
  expect(() => page.records).toThrow(expect.objectContaining({ code: "SOURCE_FAILED" }));
});

test("bytes that are no UTF-8 are no answer: each would become another character in silence", () => {
  const body = Buffer.from(JSON.stringify({ Items: ITEMS, Count: 2 }));
  body[body.indexOf("Items") + 20] = 0xff;
  expect(() => scanPage(body, KEYS, (item) => scanned(item, TABLE))).toThrow(
    expect.objectContaining({ name: "MalformedAnswerError" }),
  );
});

test("a page that is given back keeps what was asked for before", () => {
  const body = Buffer.from(JSON.stringify({ Items: ITEMS, Count: 2, more: "x".repeat(100_000) }));
  const page = scanPage(body, KEYS, (item) => scanned(item, TABLE));
  expect(page.records.length).toBe(2);
  page.release!();
  expect([body.length, page.bytes > 100_000, page.position]).toEqual([0, true, undefined]);
  expect(page.records.map(({ item }) => item)).toEqual(ITEMS);
});
