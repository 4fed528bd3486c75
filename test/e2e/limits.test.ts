/** How fast the source is read, and a source that throttles and cuts all along. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { startStandIn } from "../stand-in/dynamodb.ts";
import type { Call, Misbehaviour } from "../stand-in/dynamodb.ts";
import { expectVerified } from "./equal.ts";
import { scenario, someItems } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

/** The most calls in any span of so many ms. */
function mostIn(calls: Call[], span: number): number {
  const times = calls.map(({ at }) => at).sort((a, b) => a - b);
  return Math.max(...times.map((from, i) => times.slice(i).filter((at) => at < from + span).length));
}

test("qps.full = 5 over two tables of four segments: 5 Scan calls a second in all, half of them each", async () => {
  await using s = await scenario();
  await using source = await startStandIn({
    tables: { a: { items: someItems(80) }, b: { items: someItems(80) } },
  });
  const run = await s.cli({
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "full.read.concurrency": 4,
    "qps.full": 5,
    "qps.full.batch_num": 8,
  });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const scans = source.calls.filter(({ operation }) => operation === "Scan");
  expect(scans.length).toBeGreaterThanOrEqual(20);
  // timers of a busy machine are late, so that two calls may come together
  expect(mostIn(scans, SECOND)).toBeLessThanOrEqual(7);
  const seconds = (scans.at(-1)!.at - scans[0]!.at) / SECOND;
  expect((scans.length - 1) / seconds).toBeLessThanOrEqual(5.3);
  expect((scans.length - 1) / seconds).toBeGreaterThan(4);
  const firstHalf = scans.slice(0, 16).filter(({ body }) => body["TableName"] === "a").length;
  expect(firstHalf).toBeGreaterThanOrEqual(6);
  expect(firstHalf).toBeLessThanOrEqual(10);
});

test("full.read.capacity: what a table's scan consumes stays below it, whatever the segments", async () => {
  await using s = await scenario();
  // some 400 bytes an item, half a unit for each 4 KB: 20 units or so
  const items = someItems(400).map((item) => ({ ...item, text: { S: "x".repeat(350) } }));
  await using source = await startStandIn({ tables: { t: { items } } });
  const started = performance.now();
  const run = await s.cli({
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "full.read.concurrency": 4,
    "full.read.capacity": 4,
    "qps.full.batch_num": 10,
  });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(await s.db.collection("t").countDocuments()).toBe(400);
  // 40 pages of half a unit at least, and one second's worth is saved up
  expect(performance.now() - started).toBeGreaterThan(3 * SECOND);
});

test("a source that throttles a tenth of all calls and cuts a twentieth: everything arrives once", async () => {
  await using s = await scenario();
  const count = 20_000;
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const misbehave = (): Misbehaviour | undefined => {
    const at = random();
    if (at < 0.1) return { error: "ProvisionedThroughputExceededException" };
    return at < 0.15 ? "cut" : undefined;
  };
  await using source = await startStandIn({ tables: { t: { items: someItems(count) } }, misbehave });
  const run = await s.cli({
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "full.read.concurrency": 4,
  });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const copied = s.db.collection("t");
  expect([await copied.countDocuments(), (await copied.distinct("n")).length]).toEqual([count, count]);
  // The comparison sits the faults out, too.
  const settings = { "source.endpoint_url": source.endpoint, "filter.collection.white": "" };
  await expectVerified(s, count, { ...settings, "qps.full.batch_num": 1000 });
});

test("full.read.concurrency = auto: a small table is one segment", async () => {
  await using s = await scenario();
  await using source = await startStandIn({ tables: { t: { items: someItems(100) } } });
  const run = await s.cli({
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "full.read.concurrency": "auto",
  });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(source.calls.every(({ body }) => body["TotalSegments"] === undefined)).toBe(true);
  expect(await s.db.collection("t").countDocuments()).toBe(100);
});
