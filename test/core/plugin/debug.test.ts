/** What is said of pages, batches and saves at debug level, and nothing at others. */
import { expect, test } from "bun:test";
import { createConsola } from "consola";
import { debugChanges, debugPage, debugSave, debugWrite, keyMark } from "../../../core/plugin/debug.ts";
import { createContext } from "../../../core/run/context.ts";
import type { SegmentUnit, ShardUnit } from "../../../core/types.ts";
import { testConfig, testTable } from "../../fakes/context.ts";

const table = testTable("pk", "sk:N", { name: "orders" });
const segment: SegmentUnit = { phase: "full", table, segment: 1, segments: 4 };
const shard: ShardUnit = { phase: "incr", table, shard: "shardId-1" };

async function said(level: number): Promise<string[]> {
  const lines: string[] = [];
  const reporter = { log: (entry: { args: unknown[] }) => void lines.push(entry.args.join(" ")) };
  await using ctx = createContext({
    config: testConfig(),
    log: createConsola({ level, reporters: [reporter] }),
  });
  const position = { pk: { S: "secret" }, sk: { N: "1" } };
  debugPage(ctx, segment, { records: [], position, bytes: 90 }, { read: 3, documents: 2, overflowed: 1 });
  const records = ["7", "9"].map(
    (sequenceNumber) => ({ op: "put", event: "INSERT", keys: position, sequenceNumber }) as const,
  );
  debugChanges(ctx, shard, { records, bytes: 80, tip: true, ended: false, sentAt: 0 });
  debugWrite(ctx, segment, { inserted: 2, replaced: 1, deleted: 0, duplicates: 0, ms: 4.4 }, 70);
  let saved = 0;
  await debugSave(
    ctx,
    table,
    () => ["segment 1"],
    async () => void saved++,
  );
  expect(saved).toBe(1);
  return lines;
}

test("sizes, positions and durations, but no values", async () => {
  expect(await said(4)).toEqual([
    expect.stringMatching(
      /^table orders, segment 1: page: 3 items, 90 bytes, 2 to write, 1 not held exactly, up to key S\+N#[0-9a-f]{8}$/,
    ),
    "table orders, shard shardId-1: page: 2 records, 80 bytes, from 7 to 9, at the tip",
    "table orders, segment 1: batch written: 2 inserted, 1 replaced, 0 deleted, 0 there already, 70 bytes, in 4 ms",
    expect.stringMatching(/^checkpoint of table orders saved in \d+ ms: segment 1$/),
  ]);
});

test("nothing at info level", async () => {
  expect(await said(3)).toEqual([]);
});

test("a key has the same mark each time, and another one has another", () => {
  const [one, other] = [{ pk: { S: "a" } }, { pk: { S: "b" } }];
  expect(keyMark(one)).toBe(keyMark({ ...one }));
  expect(keyMark(one)).not.toBe(keyMark(other));
});
