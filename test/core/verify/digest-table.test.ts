/** Entries by key in memory: each key once, whatever its hash. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createDigestTable, type DigestTable, SEED } from "../../../core/verify/digest-table.ts";
import { keyHash } from "../../../core/verify/key-hash.ts";

/** An entry's bytes behind some others, and where its key and its digest begin. */
function entry(key: Uint8Array | string, digest: number): [bytes: Buffer, key: number, digest: number] {
  const bytes = Buffer.concat([
    Buffer.from("head"),
    Buffer.from(key as string),
    Buffer.alloc(8),
    Buffer.from("x"),
  ]);
  const at = bytes.length - 9;
  bytes.writeDoubleLE(digest, at);
  return [bytes, 4, at];
}

const has = (table: DigestTable, number: number, digest: number): boolean => {
  const [bytes, , at] = entry("", digest);
  return table.hasDigest(number, bytes, at);
};

/** Two keys of one hash. */
function colliding(): [string, string] {
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const key = `customer#${String(i).padStart(7, "0")}`;
    const hash = keyHash(Buffer.from(key), 0, key.length, SEED);
    const other = seen.get(hash);
    if (other !== undefined) return [other, key];
    seen.set(hash, key);
  }
}

test("keys get numbers in the order in which they come, and keep them and their digest", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 2 }), { minLength: 500, maxLength: 3000, size: "max" }),
      (keys) => {
        const table = createDigestTable();
        const known = new Map<string, number>();
        for (const [i, key] of keys.entries()) {
          const text = Buffer.from(key).toString("hex");
          if (!known.has(text)) known.set(text, i);
          expect(table.entry(...entry(key, i))).toBe([...known.keys()].indexOf(text));
        }
        expect(table.count).toBe(known.size);
        for (const [number, [text, digest]] of [...known].entries()) {
          expect(table.key(number).toString("hex")).toBe(text);
          expect(has(table, number, digest)).toBe(true);
          expect(has(table, number, digest + 1)).toBe(false);
        }
      },
    ),
    { numRuns: 20 },
  );
});

test("two keys of one hash are two", () => {
  const table = createDigestTable();
  const [one, other] = colliding();
  expect(table.entry(...entry(one, 1))).toBe(0);
  expect(table.entry(...entry(other, 2))).toBe(1);
  expect(table.entry(...entry(one, 3))).toBe(0);
  expect(has(table, 0, 1)).toBe(true);
  expect(has(table, 1, 2)).toBe(true);
});

test("marks and digests stay with their entries while it grows", () => {
  const table = createDigestTable();
  const count = 10_000;
  for (let i = 0; i < count; i++) {
    const number = table.entry(...entry(`key ${i}`, 0));
    const [bytes, , digest] = entry("", i);
    table.setDigest(number, bytes, digest);
    if (i % 3 === 0) table.setMark(number, 2);
  }
  const wrong = Array.from({ length: count }, (_, i) => i).filter(
    (i) =>
      !has(table, i, i) || table.mark(i) !== (i % 3 === 0 ? 2 : 0) || table.key(i).toString() !== `key ${i}`,
  );
  expect(wrong).toEqual([]);
});
