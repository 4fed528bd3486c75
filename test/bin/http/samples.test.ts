/** How fast a run is between two looks at its counters. */
import { expect, test } from "bun:test";
import { behindOf, createSampler } from "../../../bin/http/samples.ts";
import { createStreamProgress } from "../../../core/progress/stream-progress.ts";
import { fakeProgress } from "../../fakes/progress.ts";

const SECOND = 1000;
const START = Date.parse("2026-11-23T21:00:00Z");

test("rates are of the time since the look before", () => {
  const progress = fakeProgress(START, [{ name: "orders", state: "copying" }]);
  const orders = progress.tables.get("orders")!;
  const sample = createSampler(progress, START);
  Object.assign(orders, { written: 90, filtered: 10, bytes: 4000, readUnits: 30 });
  const none = { changes: 0, behind: null };
  expect(sample(START + 2 * SECOND)).toEqual({
    at: START + 2000,
    span: 2,
    items: 50,
    bytes: 2000,
    units: 15,
    ...none,
  });
  expect(sample(START + 3 * SECOND)).toEqual({
    at: START + 3000,
    span: 1,
    items: 0,
    bytes: 0,
    units: 0,
    ...none,
  });
});

test("what an earlier run had copied is no speed, nor is a table that begins again", () => {
  const progress = fakeProgress(START, [{ name: "orders", state: "copying" }]);
  const orders = progress.tables.get("orders")!;
  const sample = createSampler(progress, START);
  Object.assign(orders, { written: 1_000_010, resumed: 1_000_000 });
  expect(sample(START + SECOND).items).toBe(10);
  Object.assign(orders, { written: 0, resumed: 0 });
  expect(sample(START + 2 * SECOND).items).toBe(0);
});

test("changes are those of all streams, and behind is the shard that is most behind", () => {
  const progress = fakeProgress(START, [{ name: "orders" }, { name: "users" }]);
  const sample = createSampler(progress, START);
  const stream = createStreamProgress();
  progress.tables.get("users")!.stream = stream;
  stream.shards.set("a", { id: "a", caughtUpAt: START + 500 });
  // Not at its tip yet: known by the record that was applied last.
  stream.shards.set("b", { id: "b", time: START - 59 * SECOND });
  stream.shards.set("c", { id: "c" });
  Object.assign(stream, { written: 30, filtered: 3 });
  expect(sample(START + SECOND)).toMatchObject({ changes: 33, behind: 60 });
  expect(behindOf(fakeProgress(START, [{ name: "orders" }]), START)).toBeNull();
});
