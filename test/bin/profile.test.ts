import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { get as httpGet } from "node:http";
import { join } from "node:path";
import { serveProfile } from "../../bin/profile.ts";
import type { HttpPort } from "../../core/http-port.ts";

setDefaultTimeout(60_000);

const open: HttpPort[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve({ host = "127.0.0.1", port = 0 } = {}) {
  const warnings: string[] = [];
  const server = await serveProfile({ host, port, log: { warn: (message) => void warnings.push(message) } });
  if (server) open.push(server);
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server?.port}${path}`, init);
  return { server, warnings, get };
}

/** As a browser asks that was told another name for this machine. */
function statusFor(
  port: number,
  path: string,
  host: string,
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    httpGet({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    }).on("error", reject);
  });
}

function busy(ms: number): number {
  let sum = 0;
  for (const end = performance.now() + ms; performance.now() < end;) sum += Math.sqrt(sum + 1);
  return sum;
}

describe("the profiling port", () => {
  test.each(["/", "/debug/pprof", "/debug/pprof/"])("%s lists its pages", async (path) => {
    const { get } = await serve();
    const answer = await get(path);
    expect(answer.status).toBe(200);
    const pages = (await answer.json()) as { Uri: string; Method: string; Gives: string }[];
    expect(pages.map(({ Method, Uri }) => `${Method} ${Uri}`)).toEqual([
      "GET /debug/pprof/profile?seconds=10",
      "GET /debug/pprof/heap",
      "GET /debug/pprof/stats",
    ]);
  });

  test("another page is 404, and what is no GET 405", async () => {
    const { get } = await serve();
    const answer = await get("/debug/pprof/goroutine");
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({ error: "there is no such page; / lists them" });
    expect((await get("/debug/pprof/heap", { method: "POST" })).status).toBe(405);
  });

  test("-1 is off; a port that is taken is a warning", async () => {
    expect(await serve({ port: -1 })).toMatchObject({ server: undefined, warnings: [] });
    const { server } = await serve();
    const second = await serve({ port: server?.port ?? 0 });
    expect(second.server).toBeUndefined();
    expect(second.warnings).toEqual([
      expect.stringContaining(
        `the profiling port 127.0.0.1:${server?.port} can't be opened, going on without it: `,
      ),
    ]);
  });

  test("keeps no process alive, nor does a profile that is being taken", () => {
    const source = `
      const { serveProfile } = await import(${JSON.stringify(join(import.meta.dir, "../../bin/profile.ts"))});
      const server = await serveProfile({ host: "127.0.0.1", port: 0, log: console });
      const get = (path) => fetch("http://127.0.0.1:" + server.port + path);
      await get("/").then((answer) => answer.text());
      const profile = get("/debug/pprof/profile?seconds=120").then((answer) => answer.text());
      await Bun.sleep(300);
      await server.close();
      await profile.catch(() => {});`;
    const { exitCode } = Bun.spawnSync([process.execPath, "-e", source], { timeout: 20_000 });
    expect(exitCode).toBe(0);
  });
});

test("/stats tells memory, CPU time and how late timers were", async () => {
  const { get } = await serve();
  await Bun.sleep(150);
  busy(200);
  await Bun.sleep(100);
  const stats = await (await get("/debug/pprof/stats")).json();
  expect(stats.uptime_seconds).toBeGreaterThan(0);
  expect(stats.memory.rss).toBeGreaterThan(1_000_000);
  expect(stats.resources.userCPUTime).toBeGreaterThan(0);
  expect(stats.event_loop_delay_ms.max).toBeGreaterThan(100);
  // what was read once is not told again
  const again = await (await get("/debug/pprof/stats")).json();
  expect(again.event_loop_delay_ms.samples).toBeLessThan(stats.event_loop_delay_ms.samples);
});

describe("/profile", () => {
  test("gives a CPU profile that names what was running", async () => {
    const { get } = await serve();
    const answer = get("/debug/pprof/profile?seconds=0.6");
    for (let count = 0; count < 10; count++) {
      busy(40);
      await Bun.sleep(1);
    }
    const { status, headers } = await answer;
    expect(status).toBe(200);
    expect(headers.get("content-disposition")).toBe(
      `attachment; filename="nimo-shake-${process.pid}.cpuprofile"`,
    );
    const profile = await (await answer).json();
    expect(Object.keys(profile)).toEqual(
      expect.arrayContaining(["nodes", "startTime", "endTime", "samples"]),
    );
    const names = profile.nodes.map(
      (node: { callFrame: { functionName: string } }) => node.callFrame.functionName,
    );
    expect(names).toContain("busy");
  });

  test.each(["0", "-1", "121", "x", "", "Infinity"])("seconds=%s is refused", async (seconds) => {
    const { get } = await serve();
    const answer = await get(`/debug/pprof/profile?seconds=${seconds}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: "seconds is a number above 0, at most 120" });
  });

  test("is taken one at a time, and a client that leaves makes room for the next", async () => {
    const { get } = await serve();
    const leave = new AbortController();
    const first = get("/debug/pprof/profile?seconds=60", { signal: leave.signal }).catch(() => "left");
    await Bun.sleep(100);
    const second = await get("/debug/pprof/profile?seconds=1");
    expect(second.status).toBe(409);
    expect(await second.json()).toEqual({
      error: "a CPU profile is being taken already, ask again after it",
    });
    leave.abort();
    expect(await first).toBe("left");
    await Bun.sleep(200);
    expect((await get("/debug/pprof/profile?seconds=0.1")).status).toBe(200);
  });

  test("ends with the port", async () => {
    const { server, get } = await serve();
    const answer = get("/debug/pprof/profile?seconds=120").catch(() => "cut");
    await Bun.sleep(100);
    const started = performance.now();
    await server?.close();
    await server?.close();
    await answer;
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("/heap", () => {
  test("gives a heap snapshot", async () => {
    const { get } = await serve();
    const answer = await get("/debug/pprof/heap");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-disposition")).toContain(".heapsnapshot");
    const { snapshot } = await answer.json();
    expect(snapshot.node_count).toBeGreaterThan(100);
  });

  test("is refused on an address that others can reach: it holds credentials", async () => {
    const { get } = await serve({ host: "0.0.0.0" });
    const answer = await get("/debug/pprof/heap");
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({
      error:
        "a heap snapshot holds the run's credentials: it is given out only where http.host is a loopback address, 127.0.0.1, and not 0.0.0.0",
    });
    expect((await get("/debug/pprof/stats")).status).toBe(200);
  });

  test.each([
    ["127.0.0.1", 200],
    ["127.0.0.1:1", 200],
    ["localhost:9330", 200],
    ["LOCALHOST", 200],
    ["[::1]:9330", 200],
    ["evil.example:9330", 403],
    ["127.0.0.1.evil.example", 403],
    ["localhost.evil.example", 403],
  ])("asked by the name %s: %i", async (host, expected) => {
    const { server } = await serve();
    const { status, text } = await statusFor(server?.port ?? 0, "/debug/pprof/heap", host);
    expect(status).toBe(expected);
    if (expected === 403) expect(text).toContain("ask 127.0.0.1 or localhost for it");
  });
});
