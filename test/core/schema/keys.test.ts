/** From a document back to its item's key, and keys as text. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Binary, BSON, Decimal128, Double, Int32, Long } from "mongodb";
import { keyOf, keyText } from "../../../core/schema/keys.ts";
import { plainDecimal } from "../../../core/schema/decimal.ts";
import { exactNumber, isExactDouble } from "../../../plugins/_bson/number.ts";
import type { AttributeValue, KeySchema, Table } from "../../../core/types.ts";

const tableOf = (keys: KeySchema): Table => ({
  name: "t",
  targetName: "t",
  keys,
  secondary: [],
  itemCount: 0,
  sizeBytes: 0,
});
const one = (type: "S" | "N" | "B", name = "pk"): Table => tableOf({ partition: { name, type } });
const plain = ({ name }: { name: string }): string => name;

describe("the key behind a document", () => {
  test.each<[unknown, "S" | "N" | "B", object | undefined]>([
    ["a", "S", { S: "a" }],
    [7, "N", { N: "7" }],
    [new Int32(7), "N", { N: "7" }],
    [new Double(0.1), "N", { N: "0.1" }],
    [Long.fromString("9007199254740993"), "N", { N: "9007199254740993" }],
    [Decimal128.fromString("1.5E-7"), "N", { N: "0.00000015" }],
    ["12345678901234567890123456789012345678", "N", { N: "12345678901234567890123456789012345678" }],
    [new Binary(Buffer.from([0, 255])), "B", { B: "AP8=" }],
    [Decimal128.fromString("-1.50E+3"), "N", { N: "-1500" }],
    [new Double(-0), "N", { N: "0" }],
    [new Double(1e21), "N", { N: "1000000000000000000000" }],
    [new Double(2 ** 60), "N", { N: "1152921504606846976" }],
    [-(2 ** 60), "N", { N: "-1152921504606846976" }],
    [new Double(2 ** 64), "N", { N: "18446744073709551616" }],
    [new Double(1e23), "N", { N: "99999999999999991611392" }],
    [{ S: "a" }, "S", { S: "a" }],
    [{ N: "1.50" }, "N", { N: "1.5" }],
    [{ B: "AP8=" }, "B", { B: "AP8=" }],
    [{ S: "a" }, "N", undefined],
    [{ N: "seven" }, "N", undefined],
    [7, "S", undefined],
    ["seven", "N", undefined],
    ["a", "B", undefined],
    [null, "S", undefined],
    [undefined, "S", undefined],
  ])("%p as %s", (value, type, expected) => {
    const table = one(type);
    const key = keyOf({ pk: value }, table, plain);
    if (expected === undefined) expect(key).toBeUndefined();
    else expect(key).toEqual({ pk: expected as AttributeValue });
  });

  test("is found under dots in its name, and under a type's tag", () => {
    expect(keyOf({ "a.b": "x" }, one("S", "a.b"), plain)).toEqual({ "a.b": { S: "x" } });
    expect(keyOf({ a: { b: "x" } }, one("S", "a.b"), plain)).toEqual({ "a.b": { S: "x" } });
    expect(keyOf({ pk: { N: "7" } }, one("N"), () => "pk.N")).toEqual({ pk: { N: "7" } });
    expect(keyOf({ pk: null }, one("N"), () => "pk.N")).toBeUndefined();
  });

  test("is the number that went in, whatever BSON made of it", () => {
    const digits = fc
      .tuple(fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }), fc.integer({ min: -60, max: 60 }))
      .map(([whole, exponent]) => `${whole}e${exponent}`);
    fc.assert(
      fc.property(digits, (text) => {
        const stored = BSON.serialize({ pk: exactNumber(text) });
        const document = BSON.deserialize(stored, { promoteValues: false });
        const table = one("N");
        const key = keyOf(document, table, plain)!;
        expect(keyText(key, table)).toBe(keyText({ pk: { N: text } }, table));
        expect(key["pk"]!.N).toMatch(/^(0|-?([1-9]\d*|0)(\.\d*[1-9])?)$/);
      }),
    );
  });

  test("is the number that went in where it is held as a double", () => {
    const integers = fc
      .bigInt({ min: -(10n ** 38n), max: 10n ** 38n })
      .map((whole) => String(BigInt(Number(whole))));
    const fractions = fc
      .double({ min: -1e6, max: 1e6, noNaN: true })
      .map((double) => plainDecimal(String(double)));
    fc.assert(
      fc.property(fc.oneof(integers, fractions), (text) => {
        fc.pre(isExactDouble(text, Number(text)));
        const stored = BSON.serialize({ pk: new Double(Number(text)) });
        for (const promoteValues of [false, true]) {
          const key = keyOf(BSON.deserialize(stored, { promoteValues }), one("N"), plain);
          expect(key).toEqual({ pk: { N: plainDecimal(text) } });
        }
      }),
    );
  });
});

test("keys are the same text when they are the same key, and else not", () => {
  const table = tableOf({ partition: { name: "pk", type: "N" }, sort: { name: "sk", type: "S" } });
  const text = (N: string, S: string): string => keyText({ pk: { N }, sk: { S } }, table);
  expect(text("1.50", "a")).toBe(text("15e-1", "a"));
  expect(text("-0", "a")).toBe(text("0.00", "a"));
  expect(text("1", "a")).not.toBe(text("1", "b"));
  expect(text("1", "a")).not.toBe(text("-1", "a"));
  expect(text("1", "a")).not.toBe(text("10", "a"));
});
