/** `_id`s that follow from keys: pinned, and told apart. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { derivesIds, documentId, documentIdOf } from "../../../plugins/_bson/document-id.ts";
import type { Item } from "../../../core/types.ts";
import { testConfig, testTable } from "../../fakes/context.ts";

const hex = (id: Uint8Array): string => Buffer.from(id).toString("hex");

test("the definition: the first 12 bytes of the SHA-256 of the key's JSON", () => {
  const text = '{"partition":{"S":"customer#17"},"sort":{"N":"42"}}';
  const expected = createHash("sha256").update(text).digest("hex").slice(0, 24);
  const keys = { sk: { N: "42" }, pk: { S: "customer#17" } };
  expect(hex(documentId(keys, testTable("pk", "sk:N").keys))).toBe(expected);
});

/** Keys `pk` and `sk`, and what stands at users' targets for them: it must never change. */
const VECTORS: [name: string, keys: Item, hex: string][] = [
  ["a string", { pk: { S: "a" } }, "f2e74317c7793e94ce2041b2"],
  ["an empty string", { pk: { S: "" } }, "8040f9579da85e8e61162e6e"],
  ["a number", { pk: { N: "1" } }, "a4194bd9e2fa5ea60336199c"],
  ["digits as a string", { pk: { S: "1" } }, "c590fcb3cfe099e53ecf34a5"],
  ["a long number", { pk: { N: "-0.12345678901234567890123456789012345678" } }, "e33dbf38c443e20a7aa28843"],
  ["a binary", { pk: { B: "AP9/" } }, "ee3b677ceb7d2ad8f5b8d308"],
  ["characters with escapes", { pk: { S: '"\\/\n\t\u0001\u007f' } }, "10d32bc5ad01c5e320e62436"],
  ["beyond ASCII", { pk: { S: "é日😀\u2028" } }, "eb0bb6ec871e989fed69fc05"],
  ["two strings", { pk: { S: "a" }, sk: { S: "b" } }, "65433d91a212821b9740efbb"],
  ["the other way round", { pk: { S: "b" }, sk: { S: "a" } }, "1461a25017f5983216c96b19"],
  ["a string and a number", { pk: { S: "a" }, sk: { N: "42" } }, "1496d59f3db1943f56ce8e5e"],
  ["a string that looks like the rest", { pk: { S: 'a"},"sort":{"S":"b' } }, "d9d73f07a63ee265d63b50e1"],
];

describe("pinned", () => {
  test.each(VECTORS)("%s", (_name, keys, expected) => {
    const schema = testTable("pk", keys.sk && "sk").keys;
    expect(hex(documentId(keys, schema))).toBe(expected);
  });

  test("all are different", () => {
    expect(new Set(VECTORS.map(([, , id]) => id)).size).toBe(VECTORS.length);
  });
});

test("other attributes and the key's names make no difference", () => {
  const keys = { pk: { S: "a" }, sk: { S: "b" }, more: { S: "c" } };
  const renamed = { "1": { S: "b" }, _id: { S: "a" } };
  expect(documentId(keys, testTable("pk", "sk").keys)).toEqual(
    documentId(renamed, testTable("_id", "1").keys),
  );
});

test("however the service escapes a character", () => {
  const plain = documentIdOf('{"S":"a/é\\n😀"}');
  for (const other of ['{"S":"a\\/é\\n😀"}', '{"S":"\\u0061/\\u00e9\\u000A\\uD83D\\ude00"}']) {
    expect(documentIdOf(other)).toEqual(plain);
  }
});

test("any key: the values' JSON and the values give the same", () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }).map((S) => ({ S })),
    fc.bigInt().map((n) => ({ N: String(n) })),
    fc.uint8Array().map((bytes) => ({ B: Buffer.from(bytes).toString("base64") })),
  );
  fc.assert(
    fc.property(value, fc.option(value, { nil: undefined }), (pk, sk) => {
      const keys: Item = sk ? { pk, sk } : { pk };
      const escaped = (part: object): string => JSON.stringify(part).replaceAll("/", "\\/");
      const id = documentId(keys, testTable("pk", sk && "sk").keys);
      expect(documentIdOf(escaped(pk), sk && escaped(sk))).toEqual(id);
      expect(id.length).toBe(12);
    }),
  );
});

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ "target.mongodb.type": "sharding" }, true],
  [{ "target.mongodb.type": "sharding", "target.type": "file" }, false],
])("%j derives ids: %j", (settings, expected) => {
  expect(derivesIds(testConfig(settings))).toBe(expected);
});
