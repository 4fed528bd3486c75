/** Every type that BSON has, taken apart as the driver does; and bytes that are no document. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { BSON } from "mongodb";
import { MalformedBson } from "../../../plugins/_bson/elements.ts";
import { extendedJson, fromExtendedJson } from "../../../plugins/_bson/extended-json.ts";
import { decodeDocument } from "../../../plugins/_bson/stored-value.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const VALUES: Record<string, unknown[]> = {
  double: [1.5, -0, Number.NaN, Infinity, -Infinity, 1e300, 5e-324, 123456789012].map(
    (v) => new BSON.Double(v),
  ),
  string: ["", "x", "Zürich 北京 🦤", "a\0b", "\ufffd"],
  document: [{}, { a: { b: new BSON.Int32(1) } }],
  array: [[], ["x", [new BSON.Int32(1)], {}]],
  binary: [
    new BSON.Binary(Buffer.from("abc")),
    new BSON.Binary(Buffer.alloc(16), 4),
    new BSON.Binary(Buffer.from(""), 0x80),
  ],
  objectId: [new BSON.ObjectId()],
  bool: [true, false],
  date: [new Date(0), new Date(-1), new Date(8.64e15)],
  null: [null],
  regex: [new BSON.BSONRegExp("a.*b", "im"), new BSON.BSONRegExp("", "")],
  code: [new BSON.Code("return 1")],
  symbol: [new BSON.BSONSymbol("x")],
  codeWithScope: [new BSON.Code("return a", { a: new BSON.Int32(1), b: { c: "x" } })],
  int32: [0, -1, 2147483647].map((v) => new BSON.Int32(v)),
  timestamp: [BSON.Timestamp.fromBits(1, 2), new BSON.Timestamp({ t: 4294967295, i: 4294967295 })],
  int64: ["0", "-9223372036854775808", "9223372036854775807"].map((v) => BSON.Long.fromString(v)),
  decimal128: ["1.50", "-0", "NaN", "Infinity", "1E+6000"].map((v) => BSON.Decimal128.fromString(v)),
  minKey: [new BSON.MinKey()],
  maxKey: [new BSON.MaxKey()],
};

const serialized = (value: unknown): Uint8Array => BSON.serialize({ v: value });

test.each(Object.entries(VALUES))("%s", (type, values) => {
  for (const value of values) {
    const decoded = decodeDocument(serialized(value)).fields!.get("v")!;
    expect(decoded.type).toBe(type);
    const wanted: unknown = JSON.parse(BSON.EJSON.stringify(value, { relaxed: false }));
    expect(extendedJson(decoded)).toEqual(wanted);
    const back = BSON.serialize(new Map([["v", fromExtendedJson(extendedJson(decoded))]]) as never);
    expect(Buffer.from(back).toString("hex")).toBe(Buffer.from(serialized(value)).toString("hex"));
  }
});

/** A document of one element called `v`. */
function element(type: number, ...value: number[]): Uint8Array {
  return Uint8Array.from([8 + value.length, 0, 0, 0, type, 0x76, 0, ...value, 0]);
}

test("dbPointer, which the driver doesn't write", () => {
  const bytes = element(12, 2, 0, 0, 0, 0x61, 0, ...Array.from({ length: 12 }, (_, i) => i));
  expect(decodeDocument(bytes).fields!.get("v")).toEqual({
    type: "dbPointer",
    value: { $dbPointer: { $ref: "a", $id: { $oid: "000102030405060708090a0b" } } },
  });
});

test("undefined, which the driver doesn't write either", () => {
  expect(decodeDocument(element(6)).fields!.get("v")).toEqual({
    type: "undefined",
    value: { $undefined: true },
  });
});

test("text that is no UTF-8 keeps its bytes", () => {
  const bytes = element(2, 3, 0, 0, 0, 0xff, 0x61, 0);
  expect(decodeDocument(bytes).fields!.get("v")).toEqual({ type: "string", value: { $invalidUtf8: "/2E=" } });
});

test("names that mean something to somebody else, and one that is there twice", () => {
  const text = '{"__proto__":1,"_bsontype":2,"constructor":3,"":4}';
  const names = [...decodeDocument(BSON.serialize(JSON.parse(text))).fields!.keys()];
  expect(names).toEqual(["__proto__", "_bsontype", "constructor", ""]);
  const twice = Uint8Array.from([11, 0, 0, 0, 10, 0x61, 0, 10, 0x61, 0, 0]);
  expect([...decodeDocument(twice).fields!.keys()]).toEqual(["a", "a (again)"]);
});

describe("no document", () => {
  test.each([
    ["nothing", new Uint8Array()],
    ["another length", Uint8Array.from([6, 0, 0, 0, 0])],
    ["no end", Uint8Array.from([5, 0, 0, 0, 1])],
    ["an unknown type", element(99)],
    ["a string beyond the end", element(2, 100, 0, 0, 0, 0)],
    ["a string of less than nothing", element(2, 0xff, 0xff, 0xff, 0xff, 0)],
    ["a document in less than its bytes", element(3, 4, 0, 0, 0)],
    ["a regex without an end", element(11, 0x61, 0x61)],
  ])("%s", (_, bytes) => {
    expect(() => decodeDocument(bytes)).toThrow(MalformedBson);
  });

  test("too deep", () => {
    const deep = nest(300);
    expect(() => decodeDocument(deep)).toThrow(MalformedBson);
  });

  test("any bytes at all", () => {
    const document = BSON.serialize(
      Object.fromEntries(Object.entries(VALUES).map(([name, values]) => [name, values])),
      {
        ignoreUndefined: false,
      },
    );
    fc.assert(
      fc.property(fc.nat(document.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Uint8Array.from(document);
        changed[at] = byte;
        try {
          decodeDocument(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBson);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Documents within each other. */
function nest(levels: number): Uint8Array {
  let bytes = Buffer.from([5, 0, 0, 0, 0]);
  for (let level = 0; level < levels; level++) {
    const length = Buffer.alloc(4);
    length.writeInt32LE(bytes.length + 8);
    bytes = Buffer.concat([length, Buffer.from([3, 0x61, 0]), bytes, Buffer.from([0])]);
  }
  return bytes;
}
