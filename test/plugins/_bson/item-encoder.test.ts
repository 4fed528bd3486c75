/** From DynamoDB JSON's bytes to BSON's: one item at a time. */
import { expect, test } from "bun:test";
import { Decimal128 } from "mongodb";
import type { Encoding } from "../../../plugins/_bson/encoding.ts";
import { createItemEncoder } from "../../../plugins/_bson/item-encoder.ts";
import { Unexpected } from "../../../plugins/_bson/json-cursor.ts";
import { readDocument } from "../../fakes/bson-types.ts";

const KEYLESS: Encoding = {
  numbers: "exact",
  longNumber: (digits) => Decimal128.fromString(digits),
  idName: { top: "_id", nested: "_id" },
  keepsId: true,
  keys: [],
};
const PLAIN: Encoding = { ...KEYLESS, keys: [{ name: "_id", type: "N" }], bare: true };
const json = (text: string): Buffer => Buffer.from(text);

test("an item in the midst of other bytes", () => {
  const encoder = createItemEncoder(PLAIN);
  const input = json('[{"_id":{"S":"a"}},{"_id":{"N":"7"}}]');
  const next = encoder.append(input, 1);
  expect(String(input.subarray(next, next + 1))).toBe(",");
  expect(readDocument(encoder.take(encoder.length).bytes)).toEqual([["_id", "string", "a"]]);
  expect(encoder.append(input, next + 1)).toBe(input.length - 1);
  expect(readDocument(encoder.take(encoder.length).bytes)).toEqual([["_id", "int32", 7]]);
});

test("a generated _id comes first and is another each time", () => {
  const encoder = createItemEncoder({ ...KEYLESS, keepsId: false });
  const ids = [0, 1].map(() => {
    encoder.append(json('{"a":{"S":"b"}}'), 0);
    const [first, ...rest] = readDocument(encoder.take(encoder.length).bytes);
    const [name, type, id] = first!;
    expect([name, type]).toEqual(["_id", "objectId"]);
    expect(rest).toEqual([["a", "string", "b"]]);
    return String(id);
  });
  expect(ids[0]).not.toBe(ids[1]);
});

test("a refused item leaves nothing behind", () => {
  const encoder = createItemEncoder(PLAIN);
  encoder.append(json('{"a":{"S":"b"}}'), 0);
  const { length } = encoder;
  for (const bad of [
    '{"a":{"S":"b"},"c":{"X":"d"}}',
    '{"a":{"S":"b"',
    "",
    '{"_id":{"N":"1234567890123456"}}',
  ]) {
    expect(() => encoder.append(json(bad), 0)).toThrow(Unexpected);
    expect(encoder.length).toBe(length);
  }
});

test("a number of the renamed key is a key's number", () => {
  const renamed: Encoding = { ...PLAIN, keepsId: false, idName: { top: "pre_id", nested: "_id" } };
  const encoder = createItemEncoder(renamed);
  expect(() => encoder.append(json('{"_id":{"N":"1234567890123456"}}'), 0)).toThrow(Unexpected);
  encoder.append(json('{"_id":{"N":"123"},"m":{"M":{"_id":{"N":"1234567890123456"}}}}'), 0);
  expect(encoder.length).toBeGreaterThan(0);
});

test.each([
  ["a name that is there twice", '{"pk":{"S":"a"},"x":{"S":"b"},"y":{"N":"1"},"x":{"S":"c"}}'],
  ["one written in two ways", '{"pk":{"S":"a"},"x":{"S":"b"},"\\u0078":{"S":"c"}}'],
  [
    "one that is there twice further in",
    '{"pk":{"S":"a"},"m":{"M":{"l":{"L":[{"M":{"x":{"S":"b"},"x":{"S":"c"}}}]}}}}',
  ],
  ["no key", '{"x":{"S":"b"}}'],
  ["a key of another type", '{"pk":{"N":"1"}}'],
  ["a NUL in a name that is no escape", '{"pk":{"S":"a"},"x\0y":{"S":"b"}}'],
  ["no base64", '{"pk":{"S":"a"},"x":{"B":"AQ!="}}'],
  ["base64 without its padding", '{"pk":{"S":"a"},"x":{"B":"AQ"}}'],
])("%s is left to the way of objects", (_, text) => {
  const encoder = createItemEncoder({ ...KEYLESS, keepsId: false, keys: [{ name: "pk", type: "S" }] });
  expect(() => encoder.append(json(text), 0)).toThrow();
  expect(encoder.length).toBe(0);
  // The same names on several levels, and many of them, are names like others.
  const many = Array.from({ length: 3000 }, (_, i) => `"n${i}":{"M":{"x":{"S":"b"},"n${i}":{"NULL":true}}}`);
  expect(encoder.append(json(`{"x":{"S":"b"},${many},"pk":{"S":"a"}}`), 0)).toBeGreaterThan(0);
});

test.each([
  ["ids of one form", (i: number) => `0b5c${i.toString(16).padStart(4, "0")}-7d1e-4c2a-9f00-a1b2c3d4e5f6`],
  ["days", (i: number) => new Date(i * 86_400_000).toISOString().slice(0, 10)],
])("a map of 50,000 names takes its time by their number: %s", (_, nameOf) => {
  const encoder = createItemEncoder(PLAIN);
  const names = Array.from({ length: 50_000 }, (_, i) => `"${nameOf(i)}":{"NULL":true}`);
  const start = performance.now();
  expect(encoder.append(json(`{"m":{"M":{${names}}}}`), 0)).toBeGreaterThan(0);
  // Each compared with all others it would be a minute.
  expect(performance.now() - start).toBeLessThan(3000);
  for (const again of [0, 100, 49_999]) {
    expect(() => encoder.append(json(`{"m":{"M":{${names},${names[again]!}}}}`), 0)).toThrow();
  }
});

test("truncating and taking, beyond the first buffer", () => {
  const encoder = createItemEncoder(PLAIN);
  const text = "y".repeat(300_000);
  encoder.append(json(`{"x":{"S":"${text}"}}`), 0);
  const first = encoder.length;
  encoder.append(json('{"a":{"BOOL":true}}'), 0);
  const { length } = encoder;
  encoder.append(json('{"b":{"NULL":true}}'), 0);
  encoder.truncate(length);
  expect(readDocument(encoder.take(first).bytes)).toEqual([["x", "string", text]]);
  expect(readDocument(encoder.take(encoder.length).bytes)).toEqual([["a", "bool", true]]);
  expect(encoder.length).toBe(0);
});

/** A map's text: so many names that are long, alike and of one length, and of one more. */
function manyNames(count: number, last: string): Buffer {
  const name = (i: number): string => `answer-${String(i).padStart(6, "0")}-of-the-customer`;
  const names = [...Array.from({ length: count }, (_, i) => name(i)), last];
  return json(`{"m":{"M":{${names.map((each) => `"${each}":{"N":"1"}`).join(",")}}}}`);
}

test("thousands of names that look alike take no longer than others, and one that is there twice is seen", () => {
  const encoder = createItemEncoder(KEYLESS);
  const many = manyNames(8000, "other");
  const began = performance.now();
  expect(encoder.append(many, 0)).toBe(many.length);
  // Compared each with each they take seconds, in which the process does nothing else.
  expect(performance.now() - began).toBeLessThan(500);
  const [[, , map] = []] = readDocument(encoder.take(encoder.length).bytes);
  expect(map).toHaveLength(8001);
  for (const twice of ["answer-000000-of-the-customer", "answer-007999-of-the-customer"])
    expect(() => encoder.append(manyNames(8000, twice), 0)).toThrow(Unexpected);
});
