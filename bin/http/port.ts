/** A port that answers GET requests, for whoever looks at a run; the run goes on without it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

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

/**
 * Opens a port whose GET requests go to `answer`; keeps no process alive.
 * Gives undefined when the port is off, or can't be bound, which is a warning.
 */
export async function openHttpPort(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  { name, host, port, log }: HttpPortOptions,
): Promise<HttpPort | undefined> {
  if (port === -1) return undefined;
  const server = createServer((request, response) => {
    if (request.method === "GET") answer(request, response);
    else sendJson(response.setHeader("allow", "GET"), { error: "only GET" }, 405);
  });
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

/** Ends a response with a value as JSON. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
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
