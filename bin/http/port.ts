/** A port that answers GET requests, for whoever looks at a run; the run goes on without it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

/** What {@link openHttpPort} takes. */
export interface HttpPortOptions {
  /** What it is in messages: `status`. */
  name: string;
  host: string;
  /** 0: any free one; -1: none. */
  port: number;
  log: { warn(message: string): void };
}

/** A port that is open. */
export interface HttpPort {
  /** The IP address it is bound to. */
  address: string;
  port: number;
  /** Cuts what is still being answered; may be called twice. */
  close(): Promise<void>;
}

/** Routes for {@link openHttpPort}: GET only, and what goes wrong is said as JSON. */
export function createRoutes(options?: ConstructorParameters<typeof Hono>[0]): Hono {
  const routes = new Hono(options);
  routes.onError((error, c) => c.json({ error: error.message }, 500));
  return routes.use(async (c, next) => {
    if (c.req.method !== "GET") return c.json({ error: "only GET" }, 405, { allow: "GET" });
    await next();
  });
}

/**
 * Opens a port that answers by its routes; keeps no process alive.
 * Gives undefined when the port is off, or can't be bound, which is a warning.
 */
export async function openHttpPort(
  routes: Pick<Hono, "fetch">,
  { name, host, port, log }: HttpPortOptions,
): Promise<HttpPort | undefined> {
  if (port === -1) return undefined;
  const server = createServer(
    // In HTTP 1.0 who asks needn't name a host.
    getRequestListener(routes.fetch, { hostname: "localhost", overrideGlobalObjects: false }),
  );
  try {
    await listen(server, host, port);
  } catch (error) {
    log.warn(`the ${name} port ${host}:${port} can't be opened, going on without it: ${reason(error)}`);
    return undefined;
  }
  server.unref();
  const { address, port: bound } = server.address() as AddressInfo;
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

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
