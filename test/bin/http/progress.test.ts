/** The port that tells the progress, with NimoShake's paths and fields. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Progress } from "../../../core/progress/progress.ts";
import { serveProgress, type StatusServer } from "../../../bin/http/progress.ts";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const START = Date.parse("2026-11-23T21:00:00Z");
const open: StatusServer[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

function progressOf(...tables: FakeTable[]): Progress {
  return fakeProgress(START, tables);
}

async function serve(progress: Progress, port = 0) {
  const warnings: string[] = [];
  const server = await serveProgress(progress, {
    host: "127.0.0.1",
    port,
    log: { warn: (message) => void warnings.push(message) },
    now: () => START + 10_000,
  });
  if (server) open.push(server);
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server?.port}${path}`, init);
  return { server, warnings, get };
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
  const { get } = await serve(
    progressOf(copying, done, { name: "__proto__", itemCount: 5 }, { name: "later" }),
  );
  const answer = await get("/progress");
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
  const { get } = await serve(progressOf());
  expect(await (await get("/progress?x=1")).json()).toMatchObject({ progress: "-%", collection_metric: {} });
});

test.each([
  [{ ...copying, itemCount: 0 }, "0.00% (200/0)"],
  [{ ...copying, itemCount: 100 }, "99.99% (200/100)"],
  [{ ...copying, itemCount: 200 }, "99.99% (200/200)"],
  [{ ...copying, itemCount: 100, state: "done" as const }, "100% (200/100)"],
])("a stale estimate never makes 100 %% of an unfinished table: %#", async (table, expected) => {
  const { get } = await serve(progressOf(table));
  expect(await (await get("/progress")).json()).toMatchObject({ collection_metric: { orders: expected } });
});

test.each(["/", "/nothing/here"])("%s is the handler list", async (path) => {
  const { get } = await serve(progressOf());
  const answer = await get(path);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('[{"Uri":"/progress","Method":"GET"}]');
});

test.each(["POST", "DELETE", "PUT"])("%s is not allowed", async (method) => {
  const { get } = await serve(progressOf());
  const answer = await get("/progress", { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET");
});

test("-1 is off; a port that is taken or none at all is a warning", async () => {
  expect(await serve(progressOf(), -1)).toMatchObject({ server: undefined, warnings: [] });
  const { server } = await serve(progressOf());
  for (const port of [server?.port ?? 0, 70_000]) {
    const second = await serve(progressOf(), port);
    expect(second.server).toBeUndefined();
    expect(second.warnings).toEqual([expect.stringContaining(`127.0.0.1:${port} can't be opened`)]);
  }
});

test("it closes, twice if need be, and then answers no more", async () => {
  const { server, get } = await serve(progressOf());
  await get("/");
  await server?.close();
  await server?.close();
  await expect(get("/")).rejects.toThrow();
});

test("it keeps no process alive", () => {
  const source = `
    const { serveProgress } = await import(${JSON.stringify(join(import.meta.dir, "../../../bin/http/progress.ts"))});
    const server = await serveProgress({ startedAt: 0, tables: new Map() }, { host: "127.0.0.1", port: 0, log: console });
    await fetch("http://127.0.0.1:" + server.port).then((answer) => answer.text());`;
  const { exitCode } = Bun.spawnSync([process.execPath, "-e", source], { timeout: 60_000 });
  expect(exitCode).toBe(0);
});
