/** How fast tables are read: one rate for all that reads them, and limits that change meanwhile. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createContext } from "../../../../core/run/context.ts";
import dynamodbScan from "../../../../plugins/source/dynamodb-scan.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";
import { startStandIn } from "../../../stand-in/dynamodb.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const CALLS = 6;
const PER_SECOND = 20;
/** Unused time the limiter may save up, plus what a timer may be early, in ms. */
const TOLERANCE = 22;

test("Scan and the look at keys keep to qps.full together", async () => {
  const items = Array.from({ length: CALLS }, (_, n) => ({ pk: { S: `k${n}` } }));
  await using source = await startStandIn({
    tables: { t: { items } },
    misbehave: ({ operation }) =>
      operation === "BatchGetItem" ? { result: { Responses: { t: [] }, UnprocessedKeys: {} } } : undefined,
  });
  const settings = {
    "source.endpoint_url": source.endpoint,
    "qps.full": String(PER_SECOND),
    "qps.full.batch_num": "1",
  };
  await using ctx = createContext({ config: testConfig(settings) });
  await ctx.use(dynamodbScan);
  const { signal } = ctx;
  const role = ctx.role("source");
  const table = testTable("pk");
  const [unit] = role.units(table);
  const options = { from: undefined, beforeRequest: async () => {}, signal };
  // Not from the first call's arrival: it may take long to get there.
  const start = performance.now();
  await Promise.all([
    Array.fromAsync(role.read(unit!, options)),
    ...items.map((key) => role.absent!(table, [key], signal)),
  ]);
  const times = source.calls.map(({ at }) => at);
  expect(times).toHaveLength(2 * CALLS);
  const least = ((2 * CALLS - 1) / PER_SECOND) * 1000;
  expect(times.at(-1)! - start).toBeGreaterThan(least - TOLERANCE);
});

test("the size of pages that is set counts from the next request on, with a limit of read units and without", async () => {
  const items = Array.from({ length: 40 }, (_, n) => ({ pk: { S: `k${n}` } }));
  await using source = await startStandIn({ tables: { t: { items } } });
  const config = testConfig({ "source.endpoint_url": source.endpoint, "qps.full.batch_num": "2" });
  await using ctx = createContext({ config });
  await ctx.use(dynamodbScan);
  const role = ctx.role("source");
  const [unit] = role.units(testTable("pk"));
  const pages = role.read(unit!, { from: undefined, beforeRequest: async () => {}, signal: ctx.signal });
  const reader = pages[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    await reader.next();
    return source.calls.at(-1)!.body["Limit"];
  };
  expect(await next()).toBe(2);
  config["qps.full.batch_num"] = 5;
  config["full.read.capacity"] = 1000;
  expect(await next()).toBe(5);
  config["full.read.capacity"] = 1;
  expect(await next()).toBe(5);
  config["full.read.capacity"] = undefined;
  config["qps.full.batch_num"] = 7;
  expect(await next()).toBe(7);
  await reader.return?.();
});
