/** How many documents a message carries. */
import { expect, test } from "bun:test";
import { DUPLICATE_KEY } from "../../../../plugins/_mongodb/errors.ts";
import { slices } from "../../../../plugins/target/mongodb/commands.ts";
import { writeBatch } from "../../../../plugins/target/mongodb/insert.ts";
import type { SourceRecord } from "../../../../core/types.ts";
import { testTable } from "../../../fakes/context.ts";
import { scriptedDestination } from "./destination.ts";

const TABLE = testTable("pk");

const RECORDS = Array.from({ length: 21_000 }, (_, i): SourceRecord => {
  const pk = String(i);
  return { op: "put", event: "SCAN", keys: { pk: { S: pk } }, key: { pk }, document: { pk } };
});

/** How many documents stand behind a sequence's header: kind, length, the field's name. */
function countOf(sequence: { toBin(): Uint8Array }): number {
  const bytes = Buffer.from(sequence.toBin());
  let count = 0;
  for (let at = bytes.indexOf(0, 5) + 1; at < bytes.length; at += bytes.readInt32LE(at)) count++;
  return count;
}

// as one message the replaces took longer than mongod was given, and each try began at the first one; of more inserts its answer may
// be larger than a document, and the connection is closed instead
test("what is there already is inserted in messages of at most 20,000, and replaced in such of 1,000", async () => {
  const sent: [string, number][] = [];
  const command = async (of: Record<string, { toBin(): Uint8Array }>): Promise<object> => {
    if (of["documents"] !== undefined) {
      const count = countOf(of["documents"]);
      sent.push(["insert", count]);
      const keyPattern = { pk: 1 };
      const errorOf = (_: unknown, index: number) => ({ index, code: DUPLICATE_KEY, errmsg: "", keyPattern });
      return { n: 0, writeErrors: Array.from({ length: count }, errorOf) };
    }
    const count = countOf(of["updates"]!);
    sent.push(["update", count]);
    return { n: count };
  };
  const to = scriptedDestination(TABLE, command, false);
  const unit = { phase: "full", table: TABLE, segment: 0, segments: 1 } as const;
  expect(await writeBatch({ unit, records: RECORDS }, to)).toMatchObject({ inserted: 0, replaced: 21_000 });
  expect(sent).toEqual([
    ["insert", 20_000],
    ...Array.from({ length: 20 }, (): [string, number] => ["update", 1000]),
    ["insert", 1000],
    ["update", 1000],
  ]);
});

test.each([
  [4, [4, 1]],
  [5, [5]],
  [1, [1, 1, 1, 1, 1]],
])("slices of at most %i of five documents", (most, counts) => {
  const found = [...slices(new Uint8Array(10), [2, 4, 6, 8, 10], most)];
  expect(found.map(({ count }) => count)).toEqual(counts);
  let from = 0;
  for (const slice of found) {
    expect([slice.from, slice.bytes.length]).toEqual([from, 2 * slice.count]);
    from += slice.count;
  }
});
