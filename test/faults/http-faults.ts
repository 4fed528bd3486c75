/** A proxy before a DynamoDB server that throttles, fails, and spoils answers as networks and balancers do. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";

const JSON_TYPE = "application/x-amz-json-1.0";

/** What is wrong with an answer. */
export type Spoilt =
  /** The service's error; the request wasn't carried out. */
  | { kind: "error"; name: string; status: number }
  /** A balancer's page, in the service's place. */
  | { kind: "page"; status: number }
  /** So much of it, of 1; its length is as it was (the connection is cut), or as it is now. */
  | { kind: "truncated"; share: number; length: "as it was" | "as it is" }
  /** One digit or letter is another one: still JSON, and not what its checksum says. */
  | { kind: "corrupt"; place: number }
  /** The request was carried out, and the connection is cut. */
  | { kind: "dropped" }
  /** It comes so much later. */
  | { kind: "late"; ms: number };

/** Which answers are spoilt. */
export interface Spoil {
  how: Spoilt;
  /** Every so-many-th call. */
  every: number;
  /** Of these operations; default: all. */
  operations?: readonly string[];
}

/** A running proxy. */
export interface HttpFaults extends AsyncDisposable {
  port: number;
  /** From now on; undefined: nothing is. */
  spoil(spoil: Spoil | undefined): void;
  /** How many answers were. */
  readonly spoilt: number;
}

/** Starts one before a server on 127.0.0.1. */
export async function startHttpFaults(endpoint: string): Promise<HttpFaults> {
  let current: Spoil | undefined;
  let calls = 0;
  let spoilt = 0;

  function fate(operation: string): Spoilt | undefined {
    if (current === undefined || current.operations?.includes(operation) === false) return undefined;
    if (calls++ % current.every !== 0) return undefined;
    spoilt++;
    return current.how;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const target = String(request.headers["x-amz-target"]);
    const how = fate(target.split(".")[1] ?? "");
    if (how?.kind === "error") return answer(response, how.status, failureBody(how.name));
    if (how?.kind === "page") {
      response.writeHead(how.status, { "content-type": "text/html" });
      return void response.end(`<html><body><h1>${how.status}</h1></body></html>`);
    }
    const upstream = await fetch(endpoint, {
      method: "POST",
      body: Buffer.concat(parts),
      headers: {
        "content-type": JSON_TYPE,
        "x-amz-target": target,
        authorization: String(request.headers.authorization),
      },
    });
    const body = Buffer.from(await upstream.arrayBuffer());
    if (how?.kind === "dropped") return void request.socket.destroy();
    if (how?.kind === "late") await sleep(how.ms);
    if (how?.kind === "truncated") return truncate(request, response, body, how);
    const sum = crc32(body);
    answer(response, upstream.status, how?.kind === "corrupt" ? corrupted(body, how.place) : body, sum);
  }

  const server = createServer((request, response) => {
    // who gave up waiting, or a server that is gone
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    spoil(spoil) {
      current = spoil;
    },
    get spoilt() {
      return spoilt;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** With the checksum of what the service has sent, as the service does. */
function answer(response: ServerResponse, status: number, body: Buffer, sum: number = crc32(body)): void {
  response.writeHead(status, {
    "content-type": JSON_TYPE,
    "content-length": body.length,
    "x-amz-crc32": sum,
  });
  response.end(body);
}

function truncate(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  { share, length }: Extract<Spoilt, { kind: "truncated" }>,
): void {
  const part = body.subarray(0, Math.floor(body.length * share));
  if (length === "as it is") return answer(response, 200, part, crc32(body));
  response.writeHead(200, { "content-type": JSON_TYPE, "content-length": body.length });
  response.write(part, () => request.socket.destroy());
}

function failureBody(name: string): Buffer {
  const __type = `com.amazonaws.dynamodb.v20120810#${name}`;
  return Buffer.from(JSON.stringify({ __type, message: `${name}, says the fault suite` }));
}

const DIGIT = /^[0-9]$/;

/** Another digit in the place of one, the first behind a place; as it was where there is none. */
export function corrupted(body: Buffer, place: number): Buffer {
  const changed = Buffer.from(body);
  for (let i = 0; i < changed.length; i++) {
    const at = (i + Math.floor(place * changed.length)) % changed.length;
    const character = String.fromCharCode(changed[at]!);
    if (!DIGIT.test(character)) continue;
    changed[at] = `${(Number(character) + 1) % 10 || 1}`.charCodeAt(0);
    if (changed[at] === body[at]) continue;
    return changed;
  }
  return changed;
}
