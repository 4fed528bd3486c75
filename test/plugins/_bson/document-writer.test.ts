/** Our BSON is the driver's, byte for byte. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Binary, BSON, Decimal128, Double, Int32, Long, MaxKey, ObjectId, Timestamp, UUID } from "mongodb";
import { createDocumentWriter, type DocumentWriter } from "../../../plugins/_bson/document-writer.ts";
import type { TargetDocument } from "../../../core/types.ts";
import { readDocument } from "../../fakes/bson-types.ts";

const EXACT = { doubles: false, addId: false };
const RUNS = { numRuns: 2000 };

function bytesOf(document: TargetDocument, options = EXACT): Buffer {
  const writer = createDocumentWriter(options);
  writer.append(document);
  return Buffer.from(writer.bytes());
}

function driverBytes(document: TargetDocument): Buffer<ArrayBuffer> {
  return Buffer.from(new Uint8Array(BSON.serialize(document)));
}

/** Well-formed Unicode of every plane, with short and long strings on both sides of the copying limits. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("a", "é", "日", "😀", "\x7f", "\x80"), maxLength: 60 }),
);
const name = text
  .map((value) => value.replaceAll("\0", "0"))
  .filter((value) => value !== "_bsontype" && value !== "toBSON");
const leaf = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, 2 ** 53),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.constant(() => 1),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => Long.fromBigInt(value)),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => Long.fromBigInt(value, true)),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => new Binary(bytes)),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => new Binary(bytes, 128)),
  fc.uint8Array({ maxLength: 50 }),
  fc
    .bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n })
    .map((value) => Decimal128.fromString(`${value}E-20`)),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc.constantFrom(
    new Timestamp({ t: 1, i: 2 }),
    new UUID(),
    new MaxKey(),
    new Double(1),
    new Int32(1),
    /a.c/i,
  ),
);
const { document } = fc.letrec<{ document: TargetDocument; value: unknown }>((tie) => ({
  document: fc.dictionary(name, tie("value"), { maxKeys: 6, noNullPrototype: false }),
  value: fc.oneof(
    { maxDepth: 5 },
    { weight: 4, arbitrary: leaf },
    tie("document"),
    fc.array(tie("value"), { maxLength: 12 }),
  ),
}));

describe("the driver's bytes", () => {
  test("for any document", () => {
    fc.assert(
      fc.property(document, (document) => {
        expect(bytesOf(document)).toEqual(driverBytes(document));
      }),
      RUNS,
    );
  });

  test("for any document of doubles", () => {
    const toDoubles = (value: unknown): unknown => {
      if (typeof value === "number") return new Double(value);
      if (Array.isArray(value)) return value.map(toDoubles);
      const prototype =
        typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
      if (prototype !== Object.prototype && prototype !== null) return value;
      const entries = Object.entries(value as object).map(
        ([name, value]) => [name, toDoubles(value)] as const,
      );
      // Object.fromEntries defines, so `__proto__` stays a field
      return Object.fromEntries(entries);
    };
    fc.assert(
      fc.property(document, (document) => {
        const expected = driverBytes(toDoubles(document) as TargetDocument);
        expect(bytesOf(document, { doubles: true, addId: false })).toEqual(expected);
      }),
      RUNS,
    );
  });

  test("for documents one behind the other", () => {
    fc.assert(
      fc.property(fc.array(document), (documents) => {
        const writer = createDocumentWriter(EXACT);
        const sizes = documents.map((document) => writer.append(document));
        const expected = documents.map(driverBytes);
        expect(sizes).toEqual(expected.map(({ length }) => length));
        expect(Buffer.from(writer.bytes())).toEqual(Buffer.concat(expected));
        expect(writer.count).toBe(documents.length);
      }),
    );
  });

  test.each([
    ["a long ASCII string", { a: "x".repeat(300_000) }],
    ["a long string of three bytes a unit", { a: "日".repeat(100_000) }],
    ["a long name", { ["名".repeat(100_000)]: 1 }],
    ["a large binary", { a: new Binary(Buffer.alloc(300_000, 7)) }],
    ["a large value of the driver's", { a: new Binary(Buffer.alloc(300_000, 7), 5) }],
    [
      "many fields",
      Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`f${i}`, i % 2 ? i : i / 7])),
    ],
    ["a long array", { a: Array.from({ length: 50_000 }, (_, i) => [i]) }],
  ])("beyond the first buffer: %s", (_what, document) => {
    const writer = createDocumentWriter(EXACT);
    writer.append({ before: 1 });
    writer.append(document);
    writer.append({ after: 1 });
    const expected = [{ before: 1 }, document, { after: 1 }].map(driverBytes);
    expect(Buffer.compare(writer.bytes(), Buffer.concat(expected))).toBe(0);
  });

  test("at every distance from the first buffer's end", () => {
    const rest = {
      s: "é".repeat(30),
      n: 1.5,
      d: Decimal128.fromString("1.5"),
      b: new Binary(Buffer.alloc(9)),
      a: [[{}]],
      z: null,
    };
    for (let fill = 65_536 - 400; fill < 65_536; fill++) {
      const document = { fill: "x".repeat(fill), ...rest };
      expect(Buffer.compare(bytesOf(document), driverBytes(document))).toBe(0);
    }
  });
});

describe("names the driver trips over", () => {
  test.each(["_bsontype", "toBSON", "__proto__", "constructor", "hasOwnProperty", "$x", "a.b", ""])(
    "%j is a name",
    (name) => {
      const inner = Object.defineProperty({}, name, { value: "Long", enumerable: true }) as TargetDocument;
      const document = Object.defineProperty({}, name, { value: inner, enumerable: true }) as TargetDocument;
      expect(readDocument(bytesOf(document))).toEqual([[name, "document", [[name, "string", "Long"]]]]);
    },
  );

  test("a document without a prototype is a document", () => {
    const document = Object.assign(Object.create(null) as TargetDocument, { a: 1 });
    expect(readDocument(bytesOf({ document }))).toEqual([["document", "document", [["a", "int32", 1]]]]);
  });
});

describe("what BSON can't hold", () => {
  const UNFIT: [what: string, document: TargetDocument][] = [
    ["a NUL in a name", { "a\0b": 1 }],
    ["a NUL behind a non-ASCII character in a name", { "é\0b": 1 }],
    ["a NUL before a non-ASCII character in a name", { "\0é": 1 }],
    ["a NUL in a nested name", { a: "x".repeat(100_000), b: [{ c: { "\0": 1 } }] }],
    ["a high surrogate alone", { a: "x\ud800" }],
    ["a low surrogate alone", { a: "\udc00x" }],
    ["a surrogate alone in a long string", { a: `${"x".repeat(1000)}\ud83d` }],
    ["surrogates the wrong way round", { a: "\ude00\ud83d" }],
    ["a surrogate alone beside other characters", { a: "é日\ud83d😀" }],
    ["a surrogate alone in a name", { "\ud83d": 1 }],
    ["a surrogate alone in a long name", { [`${"é".repeat(100)}\ud83d`]: 1 }],
  ];

  test.each(UNFIT)("%s is a RangeError that leaves nothing half-written", (_what, document) => {
    const writer = createDocumentWriter(EXACT);
    const first = { a: 1 };
    const second = { b: "later" };
    writer.append(first);
    expect(() => writer.append(document)).toThrow(RangeError);
    expect(Buffer.from(writer.bytes())).toEqual(driverBytes(first));
    expect(writer.count).toBe(1);
    writer.append(second);
    expect(Buffer.from(writer.bytes())).toEqual(Buffer.concat([driverBytes(first), driverBytes(second)]));
    expect(writer.count).toBe(2);
  });

  test("a NUL in a string is no problem", () => {
    expect(readDocument(bytesOf({ a: "\0", b: "é\0" }))).toEqual([
      ["a", "string", "\0"],
      ["b", "string", "é\0"],
    ]);
  });
});

describe("addId", () => {
  const withId = (): DocumentWriter => createDocumentWriter({ doubles: false, addId: true });

  test("puts a new ObjectId first", () => {
    const ids = new Set<unknown>();
    const writer = withId();
    for (let i = 0; i < 1000; i++) {
      const start = writer.bytes().length;
      writer.append({ a: i });
      const [id, ...rest] = readDocument(writer.bytes().subarray(start));
      expect(id!.slice(0, 2)).toEqual(["_id", "objectId"]);
      expect(rest).toEqual([["a", "int32", i]]);
      ids.add(id![2]);
    }
    expect(ids.size).toBe(1000);
  });

  test.each([{ a: 1, _id: "mine" }, { _id: null }, { _id: 0 }])("leaves %j as it is", (document) => {
    const writer = withId();
    writer.append(document);
    expect(Buffer.from(writer.bytes())).toEqual(driverBytes(document));
  });
});
