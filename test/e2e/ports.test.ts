/** The status port of a run that is going on: each path, a source that goes away, and a port that is taken. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { type Running, type Scenario, scenario, someItems } from "./helpers.ts";

setDefaultTimeout(180_000);

const ITEMS = 30;

/** A DynamoDB that can go away. */
function leavingSource(endpoint: string) {
  const source = {
    away: false,
    server: Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        if (source.away) return new Response("away", { status: 503 });
        const headers = new Headers(request.headers);
        headers.delete("accept-encoding");
        return fetch(endpoint, { method: request.method, headers, body: await request.arrayBuffer() });
      },
    }),
  };
  return source;
}

describe("a run that is going on", () => {
  let s: Scenario;
  let source: ReturnType<typeof leavingSource>;
  let run: Running;
  let table: string;
  let url: string;

  const get = (path: string): Promise<Response> => fetch(url + path);
  const ready = (status: number): Promise<void> =>
    eventually(async () => expect((await get("readyz")).status).toBe(status));

  beforeAll(async () => {
    s = await scenario();
    table = await s.table("orders", { items: someItems(ITEMS) });
    source = leavingSource(s.dynamoEndpoint);
    const settings = s.settings({
      sync_mode: "all",
      "source.endpoint_url": `http://127.0.0.1:${source.server.port}`,
      "full_sync.http_port": 0,
      "incr_sync.http_port": -1,
      "log.file": "run.log",
      "log.buffer": false,
    });
    run = s.start([`-conf=${s.conf(settings)}`]);
    await eventually(() => {
      const log = readFileSync(join(s.folder, "run.log"), "utf8");
      url = /status page: (http:\S+)/.exec(log)![1]!;
    });
    await ready(200);
    await eventually(async () =>
      expect(await (await get("metrics")).text()).toMatch(/^nimoshake_lag_seconds\{.*\} [0-9.]+$/m),
    );
  });

  afterAll(async () => {
    run.kill("SIGTERM");
    const { code } = await run.done;
    await source.server.stop(true);
    await s[Symbol.asyncDispose]();
    expect(code).toBe(143);
  });

  test("answers each path", async () => {
    for (const path of ["", "metrics", "healthz", "readyz", "progress", "metric", "conf"]) {
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    }
    expect((await get("nope")).status).toBe(404);
    const metrics = await (await get("metrics")).text();
    expect(metrics).toContain(`nimoshake_items_written_total{table="${table}",phase="full"} ${ITEMS}\n`);
    const units = new RegExp(`^nimoshake_consumed_read_units_total\\{table="${table}"\\} (.*)$`, "m");
    expect(Number(units.exec(metrics)?.[1])).toBeGreaterThan(0);
    expect(metrics).toMatch(/^nimoshake_build_info\{version="\d/m);
    expect(metrics).toMatch(new RegExp(`^nimoshake_lag_seconds\\{table="${table}",shard="[^"]+"\\} `, "m"));
  });

  test("says that its source is away, and that it is back", async () => {
    source.away = true;
    await ready(503);
    expect(await (await get("readyz")).json()).toMatchObject({
      reason: "the source is away",
      source: { ready: false, reason: expect.stringContaining("DescribeTable") },
      target: { ready: true },
    });
    await eventually(async () => {
      const { error } = (await (await get("metric")).json()) as { error: string };
      expect(error).toMatch(/^SOURCE_UNREACHABLE: /);
    });
    source.away = false;
    await ready(200);
  });

  test("keeps its port: another run that is to have it is refused", async () => {
    const settings = s.settings({ id: `${s.id}-2`, "full_sync.http_port": new URL(url).port });
    const { code, stderr } = await s.run([`-conf=${s.conf(settings)}`]);
    expect(code).toBe(2);
    expect(stderr).toContain("error [CONFIG_INVALID] the status port 127.0.0.1:");
    expect(stderr).toMatch(/full_sync\.http_port = \d+\nhint: set full_sync\.http_port to another/);
  });
});
