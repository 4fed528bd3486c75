/** Changes of one key that fall together leave what they would leave one by one. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { collapse } from "../../../core/incr/collapse.ts";
import type { KeySchema, SourceRecord } from "../../../core/types.ts";

const KEYS: KeySchema = { partition: { name: "pk", type: "S" }, sort: { name: "sk", type: "S" } };

function record(pk: string, sk: string, n: number | undefined, event: SourceRecord["event"]): SourceRecord {
  const keys = { pk: { S: pk }, sk: { S: sk } };
  const item = n === undefined ? undefined : { ...keys, n: { N: String(n) } };
  return { op: item ? "put" : "delete", event, keys, ...(item && { item }), document: item && { pk, sk, n } };
}

const nameOf = ({ keys }: SourceRecord): string => JSON.stringify(keys);

/** What is there after these changes, applied one by one. */
function applied(records: SourceRecord[]): Map<string, unknown> {
  const there = new Map<string, unknown>();
  for (const each of records) {
    if (each.op === "delete") there.delete(nameOf(each));
    else there.set(nameOf(each), each.document);
  }
  return there;
}

/** Keys whose parts run together in different ways. */
const part = fc.constantFrom("", "a", "ab", "b", "1:", "1:a", ":");

test("changes collapsed leave what changes one by one leave, one of a key, with the first event", () => {
  const change = fc.record({ pk: part, sk: part, put: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const there = new Set<string>();
      const records = changes.map(({ pk, sk, put }, n) => {
        const name = JSON.stringify([pk, sk]);
        const event = !put ? "REMOVE" : there.has(name) ? "MODIFY" : "INSERT";
        if (put) there.add(name);
        else there.delete(name);
        return record(pk, sk, put ? n : undefined, event);
      });
      const collapsed = collapse(records, KEYS);
      expect(applied(collapsed)).toEqual(applied(records));
      const names = collapsed.map(nameOf);
      expect(new Set(names).size).toBe(names.length);
      for (const each of collapsed) {
        expect(each.event).toBe(records.find((first) => nameOf(first) === nameOf(each))!.event);
      }
    }),
    { numRuns: 500 },
  );
});

test("a key deleted and put again is a put that was a REMOVE first", () => {
  const [only, ...more] = collapse(
    [record("a", "b", undefined, "REMOVE"), record("a", "b", 1, "INSERT")],
    KEYS,
  );
  expect(more).toEqual([]);
  expect(only).toMatchObject({ op: "put", event: "REMOVE", document: { n: 1 } });
});

test("a replay anywhere explains the whole", () => {
  const replayed = { ...record("a", "b", 1, "INSERT"), replayed: true };
  expect(collapse([replayed, record("a", "b", 2, "MODIFY")], KEYS)[0]).toMatchObject({
    replayed: true,
    event: "INSERT",
  });
});

test("a batch of different keys is left as it is", () => {
  const records = [record("a", "b", 1, "INSERT"), record("a", "c", 1, "INSERT")];
  expect(collapse(records, KEYS)).toBe(records);
});
