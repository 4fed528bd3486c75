/** The status ports: their paths, what they refuse, and what becomes of one that can't be had. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { MigrationError } from "../../../core/errors.ts";
import { loadConfig } from "../../../core/config/load.ts";
import { noteError, noteRetry } from "../../../core/progress/progress.ts";
import type { HttpPort } from "../../../bin/http/port.ts";
import { openStatusPorts } from "../../../bin/http/status-port.ts";
import { fakeProgress } from "../../fakes/progress.ts";
import { fakeRoutes, SETTINGS } from "./view.ts";

setDefaultTimeout(180_000);

const START = Date.parse("2026-11-23T21:00:00Z");
let cleanup = new AsyncDisposableStack();

afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

const there = { ping: () => Promise.resolve() };
const SIDES = { source: there, target: there, checkpoint: there };

/** Opens them; a port that isn't given is off. */
async function serve(
  settings: Record<string, string>,
  { given = Object.keys(settings), progress = fakeProgress(START, [{ name: "orders" }]) } = {},
) {
  const { routes, metrics } = fakeRoutes(progress, START, () => SIDES);
  cleanup.defer(() => metrics.close());
  const warnings: string[] = [];
  const off = { "full_sync.http_port": "-1", "incr_sync.http_port": "-1" };
  const { config } = loadConfig({ set: { ...SETTINGS, ...off, ...settings } });
  const ports = await openStatusPorts(routes, {
    config,
    given: new Set(given),
    host: config["http.host"],
    log: { warn: (message) => void warnings.push(message) },
  });
  for (const port of ports) cleanup.defer(() => port.close());
  const get = (path: string, init?: RequestInit, of: HttpPort = ports[0]!): Promise<Response> =>
    fetch(`http://127.0.0.1:${of.port}${path}`, init);
  return { ports, warnings, get, progress };
}

/** What the test of one port gets. */
const one = (progress = fakeProgress(START, [{ name: "orders" }])) =>
  serve({ "full_sync.http_port": "0" }, { progress });

describe("both ports", () => {
  test("answer the same paths", async () => {
    const progress = fakeProgress(START, [{ name: "orders" }]);
    progress.phase = "incr";
    const { ports, get } = await serve(
      { "full_sync.http_port": "0", "incr_sync.http_port": "0" },
      { progress },
    );
    expect(ports).toHaveLength(2);
    const types: Record<string, string> = {
      "/metrics": "text/plain; version=0.0.4; charset=utf-8",
      "/healthz": "application/json",
      "/readyz": "application/json",
      "/progress": "application/json",
      "/metric": "application/json",
      "/conf": "application/json",
    };
    for (const port of ports) {
      for (const [path, type] of Object.entries(types)) {
        const answer = await get(path, {}, port);
        expect([path, answer.status]).toEqual([path, 200]);
        expect(answer.headers.get("content-type")).toStartWith(type);
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
        expect((await answer.text()).length).toBeGreaterThan(0);
      }
    }
  });

  test.each(["/nope", "/metrics/", "/conf/x", "/..%2fconf", "/debug/pprof/heap", "/healthz%00"])(
    "%s is 404, as JSON",
    async (path) => {
      const { get } = await one();
      const answer = await get(path);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toEqual({
        error: "there is no such path",
        paths: expect.arrayContaining(["/metrics"]),
      });
    },
  );

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])("%s is not allowed", async (method) => {
    const { get } = await one();
    const answer = await get("/progress", { method, headers: { origin: "http://elsewhere" } });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("with sync_mode = full only full_sync.http_port listens", async () => {
    const both = { "full_sync.http_port": "0", "incr_sync.http_port": "0" };
    expect((await serve({ ...both, sync_mode: "full" })).ports).toHaveLength(1);
  });
});

describe("what is answered", () => {
  test("/conf has the configuration, key by key, without secrets", async () => {
    const { get } = await one();
    const text = await (await get("/conf")).text();
    expect(text).not.toMatch(/passw0rd|access-key/);
    expect(JSON.parse(text)).toMatchObject({
      id: "shop",
      "full.concurrency": 4,
      "source.secret_access_key": "***",
      "target.address": "mongodb://***@127.0.0.1:1/",
    });
  });

  test("/metric says what goes wrong: the last call that was made again, while that is so", async () => {
    const { get, progress } = await one();
    const error = async (): Promise<unknown> =>
      ((await (await get("/metric")).json()) as { error: unknown }).error;
    expect(await error()).toBe("");
    noteRetry(progress, {
      side: "target",
      code: "TARGET_UNREACHABLE",
      pause: 1000,
      message: "writing to shop.orders: connect ECONNREFUSED mongodb://user:passw0rd@127.0.0.1:1",
    });
    progress.lastRetry!.until = START - 30_000;
    expect(await error()).toBe(
      "TARGET_UNREACHABLE: writing to shop.orders: connect ECONNREFUSED mongodb://***@127.0.0.1:1",
    );
    progress.lastRetry!.until = START - 60_000;
    expect(await error()).toBe("");
    noteError(progress, { code: "TARGET_FAILED", message: "no: passw0rd" });
    expect(await error()).toBe("TARGET_FAILED: no: ***");
  });

  test("/readyz is 503 at the start, and while paused it isn't", async () => {
    const { get, progress } = await one();
    const answer = await get("/readyz");
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ ready: false, reason: "starting" });
    progress.phase = "incr";
    progress.paused = true;
    expect((await get("/readyz")).status).toBe(200);
  });
});

test("who asks another name's port on this machine is refused: a page's own name may mean 127.0.0.1", async () => {
  const { get, ports } = await one();
  for (const host of [
    "evil.example",
    `evil.example:${ports[0]!.port}`,
    "127.0.0.1.evil.example",
    "10.0.0.1",
  ]) {
    const answer = await get("/conf", { headers: { host } });
    expect([host, answer.status]).toEqual([host, 403]);
    expect(await answer.text()).not.toContain("shop");
  }
  for (const host of ["localhost", `LOCALHOST:${ports[0]!.port}`, "[::1]:9341", "127.0.0.2"]) {
    expect([host, (await get("/conf", { headers: { host } })).status]).toEqual([host, 200]);
  }
});

describe("a port that can't be had", () => {
  test("is refused when the user has set it, and none stays open", async () => {
    const { ports } = await one();
    const taken = String(ports[0]!.port);
    const failure = (await serve({ "full_sync.http_port": "0", "incr_sync.http_port": taken }).catch(
      (error: unknown) => error,
    )) as MigrationError;
    expect(failure).toBeInstanceOf(MigrationError);
    expect(failure).toMatchObject({ code: "CONFIG_INVALID", exit: 2 });
    expect(failure.message).toContain(`127.0.0.1:${taken} can't be opened, another program listens there`);
    expect(failure.message).toContain(`incr_sync.http_port = ${taken}`);
    expect(failure.hint).toMatch(/incr_sync\.http_port to another port, to 0 .* -1/);
  });

  test("is a warning when it is the default", async () => {
    const { ports } = await one();
    const { port } = ports[0]!;
    const second = await serve({ "full_sync.http_port": String(port) }, { given: [] });
    expect(second.ports).toEqual([]);
    expect(second.warnings).toEqual([expect.stringContaining(`127.0.0.1:${port} can't be opened, going on`)]);
  });

  test("on an address of another machine is refused with that reason", async () => {
    const failure = await serve({ "full_sync.http_port": "0", "http.host": "203.0.113.5" }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "CONFIG_INVALID", hint: expect.stringContaining("http.host") });
  });

  test("twice the same number is one port; -1 is none", async () => {
    const { ports } = await one();
    const { port } = ports[0]!;
    await ports[0]!.close();
    const both = await serve({ "full_sync.http_port": String(port), "incr_sync.http_port": String(port) });
    expect(both.ports).toHaveLength(1);
    expect(both.warnings).toEqual([]);
    expect((await serve({})).ports).toEqual([]);
  });
});

test("it closes, twice if need be, and then answers no more", async () => {
  const { ports, get } = await one();
  await get("/");
  await ports[0]!.close();
  await ports[0]!.close();
  await expect(get("/")).rejects.toThrow();
});

test("it keeps no process alive", () => {
  const source = `
    const { createRoutes, openHttpPort } = await import(${JSON.stringify(join(import.meta.dir, "../../../bin/http/port.ts"))});
    const options = { name: "status", key: "x", host: "127.0.0.1", port: 0, log: console };
    const server = await openHttpPort(createRoutes(), options);
    await fetch("http://127.0.0.1:" + server.port).then((answer) => answer.text());`;
  const { exitCode } = Bun.spawnSync([process.execPath, "-e", source], { timeout: 60_000 });
  expect(exitCode).toBe(0);
});
