/** The profiling port, `system_profile`: where the process's time and memory go. NimoShake's pprof in our terms. */
import { Readable } from "node:stream";
import { getHeapSnapshot } from "node:v8";
import type { Context } from "hono";
import { createRoutes, type HttpPort, type HttpPortOptions, openHttpPort } from "./port.ts";
import { profileCpu } from "./cpu-profile.ts";
import { isLoopback } from "./local-host.ts";
import { watchLoop } from "./loop-delay.ts";

const SECOND = 1000;
const DEFAULT_SECONDS = 10;
const MAX_SECONDS = 120;

const PAGES = [
  {
    Uri: `/debug/pprof/profile?seconds=${DEFAULT_SECONDS}`,
    Method: "GET",
    Gives:
      "a CPU profile of the next seconds; save it as x.cpuprofile and open it in Chrome's or VS Code's profiler",
  },
  {
    Uri: "/debug/pprof/heap",
    Method: "GET",
    Gives:
      "a heap snapshot, which holds credentials; save it as x.heapsnapshot and open it in Chrome's Memory tab",
  },
  { Uri: "/debug/pprof/stats", Method: "GET", Gives: "memory, CPU time and event loop delay as JSON" },
];

/**
 * Serves CPU profiles, heap snapshots and figures under `/debug/pprof/`; keeps no process alive.
 *
 * @returns undefined: it is off, or a default can't be had
 * @throws MigrationError CONFIG_INVALID: the port that the user has set can't be opened
 */
export async function serveProfile(
  options: Omit<HttpPortOptions, "name" | "key">,
): Promise<HttpPort | undefined> {
  if (options.port === -1) return undefined;
  const loop = watchLoop();
  const closing = new AbortController();
  let profiling = false;
  const routes = createRoutes({ strict: false })
    .on("GET", ["/", "/debug/pprof"], (c) => c.json(PAGES))
    .get("/debug/pprof/profile", cpuProfile)
    .get("/debug/pprof/heap", heapSnapshot)
    .get("/debug/pprof/stats", (c) => c.json({ ...stats(), event_loop_delay_ms: loop.read() }));
  let server: HttpPort | undefined;
  try {
    server = await openHttpPort(routes, {
      ...options,
      name: "profiling",
      key: "system_profile",
      // While a CPU profile is taken nothing is sent.
      limits: { silence: 2 * MAX_SECONDS * SECOND },
    });
  } finally {
    if (server === undefined) loop.stop();
  }
  if (server === undefined) return undefined;
  const { address } = server;
  return {
    ...server,
    close() {
      loop.stop();
      closing.abort();
      return server.close();
    },
  };

  async function cpuProfile(c: Context): Promise<Response> {
    const seconds = Number(c.req.query("seconds") ?? DEFAULT_SECONDS);
    if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
      return c.json({ error: `seconds is a number above 0, at most ${MAX_SECONDS}` }, 400);
    }
    if (profiling) return c.json({ error: "a CPU profile is being taken already, ask again after it" }, 409);
    profiling = true;
    try {
      const gone = AbortSignal.any([closing.signal, c.req.raw.signal]);
      const profile = await profileCpu(seconds * SECOND, gone);
      return c.json(profile, 200, asDownload("cpuprofile"));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const instead = "start it with bun --cpu-prof bin/cli.ts instead";
      return c.json({ error: `no CPU profile can be taken here (${why}); ${instead}` }, 501);
    } finally {
      profiling = false;
    }
  }

  function heapSnapshot(c: Context): Response {
    if (!isLoopback(address)) {
      const only = "it is given out only where http.host is a loopback address, 127.0.0.1";
      const error = `a heap snapshot holds the run's credentials: ${only}, and not ${address}`;
      return c.json({ error }, 403);
    }
    const headers = { "content-type": "application/json", ...asDownload("heapsnapshot") };
    return c.body(Readable.toWeb(getHeapSnapshot()) as ReadableStream, 200, headers);
  }
}

function stats(): object {
  const resources = process.getActiveResourcesInfo();
  return {
    uptime_seconds: process.uptime(),
    memory: process.memoryUsage(),
    resources: process.resourceUsage(),
    // Bun names none.
    ...(resources.length > 0 && { active_resources: resources }),
  };
}

function asDownload(kind: string): Record<string, string> {
  return { "content-disposition": `attachment; filename="nimo-shake-${process.pid}.${kind}"` };
}
