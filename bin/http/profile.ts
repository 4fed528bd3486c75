/** The profiling port, `system_profile`: where the process's time and memory go. NimoShake's pprof in our terms. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { BlockList, isIP } from "node:net";
import { pipeline } from "node:stream/promises";
import { getHeapSnapshot } from "node:v8";
import { type HttpPort, type HttpPortOptions, openHttpPort, sendJson } from "./port.ts";
import { profileCpu } from "./cpu-profile.ts";
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

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Serves CPU profiles, heap snapshots and figures under `/debug/pprof/`.
 * Gives undefined when the port is off, or can't be bound, which is a warning; keeps no process alive.
 */
export async function serveProfile(options: Omit<HttpPortOptions, "name">): Promise<HttpPort | undefined> {
  if (options.port === -1) return undefined;
  const loop = watchLoop();
  const closing = new AbortController();
  let profiling = false;
  const server = await openHttpPort((request, response) => void answer(request, response), {
    ...options,
    name: "profiling",
  });
  if (server === undefined) {
    loop.stop();
    return undefined;
  }
  return {
    ...server,
    close() {
      loop.stop();
      closing.abort();
      return server.close();
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
      switch (pathname.replace(/\/+$/, "")) {
        case "":
        case "/debug/pprof":
          return sendJson(response, PAGES);
        case "/debug/pprof/profile":
          return await sendProfile(response, searchParams.get("seconds"));
        case "/debug/pprof/heap":
          return await sendHeap(request, response);
        case "/debug/pprof/stats":
          return sendJson(response, { ...stats(), event_loop_delay_ms: loop.read() });
        default:
          return fail(response, 404, "there is no such page; / lists them");
      }
    } catch (error) {
      fail(response, 500, error instanceof Error ? error.message : String(error));
    }
  }

  async function sendProfile(response: ServerResponse, text: string | null): Promise<void> {
    const seconds = text === null ? DEFAULT_SECONDS : Number(text);
    if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
      return fail(response, 400, `seconds is a number above 0, at most ${MAX_SECONDS}`);
    }
    if (profiling) return fail(response, 409, "a CPU profile is being taken already, ask again after it");
    profiling = true;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const profile = await profileCpu(seconds * SECOND, AbortSignal.any([closing.signal, gone.signal]));
      download(response, "cpuprofile").end(JSON.stringify(profile));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      fail(
        response,
        501,
        `no CPU profile can be taken here (${why}); start it with bun --cpu-prof bin/cli.ts instead`,
      );
    } finally {
      profiling = false;
    }
  }

  async function sendHeap(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const where = server?.address ?? "";
    if (!isLoopback(where)) {
      const only = "it is given out only where http.host is a loopback address, 127.0.0.1";
      return fail(response, 403, `a heap snapshot holds the run's credentials: ${only}, and not ${where}`);
    }
    // A page in a browser can make a name of its own mean 127.0.0.1, and would read the answer.
    if (!isLocalName(request.headers.host ?? "")) {
      return fail(
        response,
        403,
        "a heap snapshot holds the run's credentials: ask 127.0.0.1 or localhost for it",
      );
    }
    await pipeline(getHeapSnapshot(), download(response, "heapsnapshot"));
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

function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && LOOPBACK.check(address, version === 6 ? "ipv6" : "ipv4");
}

/** Whether a Host header names this machine: `localhost:9330`, `127.0.0.1:9330`, `[::1]:9330`. */
function isLocalName(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name.toLowerCase() === "localhost" || isLoopback(name);
}

function download(response: ServerResponse, kind: string): ServerResponse {
  return response.writeHead(200, {
    "content-type": "application/json",
    "content-disposition": `attachment; filename="nimo-shake-${process.pid}.${kind}"`,
  });
}

function fail(response: ServerResponse, status: number, error: string): void {
  if (response.headersSent) response.destroy();
  else sendJson(response, { error }, status);
}
