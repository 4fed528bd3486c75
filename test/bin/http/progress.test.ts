/** `/progress`, with NimoShake's fields. */
import { expect, test } from "bun:test";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";
import { fakeRoutes } from "./view.ts";

const START = Date.parse("2026-11-23T21:00:00Z");

async function get(...tables: FakeTable[]): Promise<Response> {
  const { routes, metrics } = fakeRoutes(fakeProgress(START, tables), START + 10_000);
  metrics.close();
  return routes.request("/progress?x=1");
}

const copying = {
  name: "orders",
  state: "copying",
  itemCount: 1000,
  sizeBytes: 70_000,
  read: 220,
  filtered: 20,
  written: 180,
  bytes: 15_400,
  startedAt: START,
} as const;

test("/progress has NimoShake's fields, and the tables' counters", async () => {
  const done = {
    name: "users",
    state: "done",
    itemCount: 8,
    written: 8,
    startedAt: START,
    finishedAt: START,
  } as const;
  const answer = await get(copying, done, { name: "__proto__", itemCount: 5 }, { name: "later" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/json");
  const text = await answer.text();
  expect(text).toStartWith(
    '{"progress":"25.00%","total_collection_number":4,"finished_collection_number":1,' +
      '"processing_collection_number":1,"wait_collection_number":2,"collection_metric":' +
      '{"orders":"20.00% (200/1000)","users":"100% (8/8)","__proto__":"-","later":"-"},',
  );
  const { tables, started_at } = JSON.parse(text);
  expect(started_at).toBe("2026-11-23T21:00:00.000Z");
  expect(tables.orders).toEqual({
    state: "copying",
    item_count: 1000,
    size_bytes: 70_000,
    read: 220,
    filtered: 20,
    written: 180,
    bytes: 15_400,
    overflowed: 0,
    indexes: 0,
    spool_bytes: 0,
    started_at: "2026-11-23T21:00:00.000Z",
    finished_at: null,
    items_per_second: 18,
    eta_seconds: 40,
  });
  expect(tables.users.eta_seconds).toBeNull();
  expect(tables.users.items_per_second).toBeNull();
});

test("before the tables are known the progress is a dash", async () => {
  expect(await (await get()).json()).toMatchObject({ progress: "-%", collection_metric: {} });
});

test.each([
  [{ ...copying, itemCount: 0 }, "0.00% (200/0)"],
  [{ ...copying, itemCount: 100 }, "99.99% (200/100)"],
  [{ ...copying, itemCount: 200 }, "99.99% (200/200)"],
  [{ ...copying, itemCount: 100, state: "done" as const }, "100% (200/100)"],
])("a stale estimate never makes 100 %% of an unfinished table: %#", async (table, expected) => {
  expect(await (await get(table)).json()).toMatchObject({ collection_metric: { orders: expected } });
});
