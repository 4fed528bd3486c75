/** The table of changes at the end of a run. */
import { expect, test } from "bun:test";
import { changesTable } from "../../../bin/display/changes.ts";
import { createStreamProgress, type StreamProgress } from "../../../core/progress/stream-progress.ts";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";

const NOW = 1_800_000_000_000;
const plain = { isTTY: false };

/** A table that is followed for ten seconds, this far behind. */
function followed(name: string, lag: number | undefined, more: Partial<StreamProgress> = {}): FakeTable {
  const caughtUpAt = lag === undefined ? undefined : NOW - lag;
  const shards = new Map([["s", { id: "s", caughtUpAt }]]);
  const stream = { ...createStreamProgress(), startedAt: NOW - 10_000, written: 1000, bytes: 51_200, shards };
  return { name, state: "following", stream: { ...stream, ...more } };
}

test("a row a table, and a total that is as far behind as the last", () => {
  const progress = fakeProgress(NOW, [
    { name: "waits" },
    followed("a", 2000),
    followed("b", 0, { written: 0, bytes: 0 }),
  ]);
  expect(changesTable(progress, NOW, plain)!.split("\n")).toEqual([
    "+-------+---------+---------+---------+-----------+--------+",
    "| table | changes |   bytes | seconds | changes/s | behind |",
    "+-------+---------+---------+---------+-----------+--------+",
    "| a     |   1,000 | 51.2 kB |    10.0 |       100 |     2s |",
    "| b     |       0 |     0 B |    10.0 |         - |     0s |",
    "| total |   1,000 | 51.2 kB |    10.0 |       100 |     2s |",
    "+-------+---------+---------+---------+-----------+--------+",
  ]);
});

test("one that hasn't caught up says so, and what is rare has a column only then", () => {
  const text = changesTable(
    fakeProgress(NOW, [followed("a", undefined, { overflowed: 3 }), followed("b", 0)]),
    NOW,
    plain,
  )!;
  expect(text.match(/not caught up/g)).toHaveLength(2);
  expect(text).toContain("overflowed");
  expect(text).not.toContain("filtered");
});

test("nothing is followed: there is no table", () => {
  expect(changesTable(fakeProgress(NOW, [{ name: "a", state: "done" }]), NOW, plain)).toBeUndefined();
});
