/** What `keep` makes of records. */
import { describe, expect, test } from "bun:test";
import { fetchAfterEvent } from "../../../core/stages/fetch.ts";
import type { Item, SourceRecord, Unit } from "../../../core/types.ts";
import { testTable } from "../../fakes/context.ts";

const UNIT: Unit = { phase: "full", table: testTable("pk"), segment: 0, segments: 1 };
const IN: Item = { pk: { S: "k" }, status: { S: "paid" } };
const OUT: Item = { pk: { S: "k" }, status: { S: "open" } };

const isPaid = (item: Item): boolean => item.status?.S === "paid";

/** What `keep` makes of one record: its op and event, or undefined when it is dropped. */
function kept(record: Omit<SourceRecord, "keys">): SourceRecord | undefined {
  const event = fetchAfterEvent(UNIT, [{ keys: { pk: { S: "k" } }, ...record }]);
  event.keep(isPaid);
  return event.records[0];
}

describe("keep", () => {
  test("drops scanned items that don't match, in place and order", () => {
    const scan = (n: number, item: Item): SourceRecord => ({
      op: "put",
      event: "SCAN",
      keys: { n: { N: String(n) } },
      item,
    });
    const event = fetchAfterEvent(UNIT, [scan(0, IN), scan(1, OUT), scan(2, IN), scan(3, OUT), scan(4, IN)]);
    event.keep(isPaid);
    expect(event.records.map(({ keys }) => keys.n!.N)).toEqual(["0", "2", "4"]);
    event.keep(() => false);
    expect(event.records).toEqual([]);
  });

  test.each([
    ["an insert that matches", { op: "put", event: "INSERT", item: IN }, ["put", "INSERT"]],
    ["an insert that doesn't", { op: "put", event: "INSERT", item: OUT }, undefined],
    ["a change inside the filter", { op: "put", event: "MODIFY", item: IN, oldItem: IN }, ["put", "MODIFY"]],
    ["a change outside the filter", { op: "put", event: "MODIFY", item: OUT, oldItem: OUT }, undefined],
    ["a change into the filter", { op: "put", event: "MODIFY", item: IN, oldItem: OUT }, ["put", "INSERT"]],
    [
      "a change out of the filter",
      { op: "put", event: "MODIFY", item: OUT, oldItem: IN },
      ["delete", "REMOVE"],
    ],
    ["a removal inside the filter", { op: "delete", event: "REMOVE", oldItem: IN }, ["delete", "REMOVE"]],
    ["a removal outside the filter", { op: "delete", event: "REMOVE", oldItem: OUT }, undefined],
    ["a removal of something unknown", { op: "delete", event: "REMOVE" }, ["delete", "REMOVE"]],
  ] as [string, Omit<SourceRecord, "keys">, [string, string] | undefined][])(
    "%s",
    (_what, record, expected) => {
      const result = kept({ ...record });
      expect<string[] | undefined>(result && [result.op, result.event]).toEqual(expected);
      if (result?.op === "delete") expect("item" in result).toBe(false);
    },
  );

  test("what leaves the filter keeps its key", () => {
    expect(kept({ op: "put", event: "MODIFY", item: OUT, oldItem: IN })!.keys).toEqual({ pk: { S: "k" } });
  });

  // it is dropped, so that a document which may have been inside the filter would stay for ever
  test("a change that doesn't match, of an item unknown before, is a delete", () => {
    expect(kept({ op: "put", event: "MODIFY", item: OUT })).toMatchObject({ op: "delete", event: "REMOVE" });
  });

  test("a predicate that gives a promise is refused, which would keep all", () => {
    const event = fetchAfterEvent(UNIT, [{ op: "put", event: "SCAN", keys: {}, item: OUT }]);
    const later = (async () => false) as unknown as () => boolean;
    expect(() => event.keep(later)).toThrow(expect.objectContaining({ code: "HOOK_FAILED" }));
  });
});
