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

/** What is there after these changes, applied one by one with `increase.executor.upsert = false`. */
function applied(records: SourceRecord[], names: Iterable<string>): Map<string, unknown> {
  const there = new Map<string, unknown>([...names].map((name) => [name, "copied"]));
  for (const each of records) {
    const name = nameOf(each);
    if (each.op === "delete") there.delete(name);
    else if (each.event !== "MODIFY" || there.has(name)) there.set(name, each.document);
  }
  return there;
}

/** Keys whose parts run together in different ways. */
const part = fc.constantFrom("", "a", "ab", "b", "1:", "1:a", ":");

test("changes collapsed leave what changes one by one leave, one of a key, whatever is at either side before", () => {
  // Few keys, so that much happens to each.
  const keys = fc.array(fc.record({ pk: part, sk: part, inSource: fc.boolean(), inTarget: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  });
  const change = fc.record({ which: fc.nat(), put: fc.boolean() });
  fc.assert(
    fc.property(keys, fc.array(change, { maxLength: 40 }), (of, changes) => {
      const name = ({ pk, sk }: { pk: string; sk: string }): string => nameOf(record(pk, sk, 0, "INSERT"));
      const there = new Set(of.filter(({ inSource }) => inSource).map(name));
      const atTarget = of.filter(({ inTarget }) => inTarget).map(name);
      const records = changes.map(({ which, put }, n) => {
        const key = of[which % of.length]!;
        const event = !put ? "REMOVE" : there.has(name(key)) ? "MODIFY" : "INSERT";
        if (put) there.add(name(key));
        else there.delete(name(key));
        return record(key.pk, key.sk, put ? n : undefined, event);
      });
      const collapsed = collapse(records, KEYS);
      expect(applied(collapsed, atTarget)).toEqual(applied(records, atTarget));
      expect(new Set(collapsed.map(nameOf)).size).toBe(collapsed.length);
    }),
    { numRuns: 500 },
  );
});

test("the event is the first one, but for a key that was changed before it was deleted and put again", () => {
  const events = (...all: SourceRecord["event"][]) =>
    collapse(
      all.map((event, n) => record("a", "b", event === "REMOVE" ? undefined : n, event)),
      KEYS,
    ).map(({ op, event }) => [op, event]);
  expect(events("INSERT", "MODIFY", "REMOVE")).toEqual([["delete", "INSERT"]]);
  expect(events("INSERT", "REMOVE", "INSERT")).toEqual([["put", "INSERT"]]);
  expect(events("MODIFY", "MODIFY")).toEqual([["put", "MODIFY"]]);
  expect(events("MODIFY", "REMOVE", "INSERT", "MODIFY")).toEqual([["put", "REMOVE"]]);
  // A hook has left the delete out.
  expect(events("MODIFY", "INSERT")).toEqual([["put", "REMOVE"]]);
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
