/** A port that answers GET requests, for whoever looks at a run; the run goes on whatever comes in there. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { MigrationError } from "../../core/errors.ts";
import { isLocalName, isLoopback } from "./local-host.ts";

const SECOND = 1000;

/** What a stranger may take: a port scan, a request that never ends, a client that never reads. Times are in ms. */
export interface HttpLimits {
  /** Connections at once; more are closed. */
  connections: number;
  /** For a request's headers to be complete. */
  headersTimeout: number;
  /** For all of a request. */
  requestTimeout: number;
  /** Between two requests of one connection. */
  keepAliveTimeout: number;
  /** How often those are looked at. */
  connectionsCheckingInterval: number;
  /** Without a byte either way; an answer that goes on has to send something meanwhile. */
  silence: number;
  /** Of a request's headers, in bytes. */
  maxHeaderSize: number;
}

const LIMITS: HttpLimits = {
  connections: 64,
  headersTimeout: 5 * SECOND,
  requestTimeout: 10 * SECOND,
  keepAliveTimeout: 5 * SECOND,
  connectionsCheckingInterval: 2 * SECOND,
  silence: 60 * SECOND,
  maxHeaderSize: 16 * 1024,
};

/** What {@link openHttpPort} takes. */
export interface HttpPortOptions {
  /** What it is in messages: `status`. */
  name: string;
  /** The setting that gives the port. */
  key: string;
  host: string;
  /** 0: any free one; -1: none. */
  port: number;
  /** Whether the user has set it. Then it has to open; a default that can't be had is a warning. */
  given?: boolean;
  log: { warn(message: string): void };
  /** For tests: others. */
  limits?: Partial<HttpLimits>;
}

/** A port that is open. */
export interface HttpPort {
  /** The IP address it is bound to. */
  address: string;
  port: number;
  /** Cuts what is still being answered; may be called twice. */
  close(): Promise<void>;
}

/** Routes for {@link openHttpPort}: GET only, nothing is stored on the way, and what goes wrong is said as JSON. */
export function createRoutes(options?: ConstructorParameters<typeof Hono>[0]): Hono {
  const routes = new Hono(options);
  routes.onError((error, c) => c.json({ error: error.message }, 500));
  routes.notFound((c) => c.json({ error: "there is no such path", paths: pathsOf(routes) }, 404));
  return routes.use(async (c, next) => {
    if (c.req.method !== "GET") return c.json({ error: "only GET" }, 405, { allow: "GET" });
    await next();
    c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
    // No other origin shows, frames or takes in what is answered; the page has a policy of its own.
    c.header("cross-origin-resource-policy", "same-origin");
    c.header("x-frame-options", "DENY");
    if (!c.res.headers.has("content-security-policy"))
      c.header("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  });
}

/** Those that are answered. */
function pathsOf({ routes }: Hono): string[] {
  return [...new Set(routes.map(({ path }) => path).filter((path) => !path.includes("*")))];
}

/**
 * Opens a port that answers by its routes; keeps no process alive. One that only this machine reaches answers only who
 * asks for this machine: a page in a browser can make a name of its own mean 127.0.0.1, and would read the answer.
 *
 * @returns undefined: it is off, or a default can't be had
 * @throws MigrationError CONFIG_INVALID: the port that the user has set can't be opened
 */
export async function openHttpPort(
  routes: Pick<Hono, "fetch">,
  { name, key, host, port, given = false, log, limits }: HttpPortOptions,
): Promise<HttpPort | undefined> {
  if (port === -1) return undefined;
  const { connections, silence, ...timeouts } = { ...LIMITS, ...limits };
  let isLocal = true;
  const answer: Parameters<typeof getRequestListener>[0] = (request, env) => {
    const asked = request.headers.get("host");
    const strange = isLocal && asked !== null && !isLocalName(asked) && !isSame(asked, host);
    return strange ? refused(asked) : routes.fetch(request, env);
  };
  const server = createServer(
    timeouts,
    // In HTTP 1.0 who asks needn't name a host.
    getRequestListener(answer, { hostname: "localhost", overrideGlobalObjects: false }),
  );
  server.maxConnections = connections;
  server.setTimeout(silence, (socket) => socket.destroy());
  // Who speaks no HTTP gets no answer.
  server.on("clientError", (_, socket) => socket.destroy());
  try {
    await listen(server, host, port);
  } catch (error) {
    const what = `the ${name} port ${host}:${port} can't be opened`;
    if (given) {
      throw new MigrationError("CONFIG_INVALID", `${what}, ${reason(error)}: ${key} = ${port}`, {
        hint: hint(error, key),
        cause: error,
      });
    }
    log.warn(`${what}, going on without it: ${reason(error)}`);
    return undefined;
  }
  // What fails from now on concerns who asks, and not the run.
  server.on("error", () => {});
  server.unref();
  const { address, port: bound } = server.address() as AddressInfo;
  isLocal = isLoopback(address);
  return { address, port: bound, close: () => shut(server) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A second close answers with an error that says it is closed already.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const isSame = (asked: string, host: string): boolean =>
  asked.replace(/:\d+$/, "").toLowerCase() === host.toLowerCase();

function refused(asked: string): Response {
  const why = `this port answers requests to 127.0.0.1 or localhost, not to ${asked.slice(0, 100)}`;
  return Response.json({ error: why }, { status: 403 });
}

const REASONS: Record<string, string> = {
  EADDRINUSE: "another program listens there",
  EACCES: "this user may not open it",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host isn't found now",
};

function reason(error: unknown): string {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

function hint(error: unknown, key: string): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/^(EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN)$/.test(code))
    return "set http.host to an address of this machine";
  return `set ${key} to another port, to 0 for any free one, or to -1 for none`;
}
