/**
 * A server that speaks DynamoDB's JSON protocol and can be told to misbehave: throttle, refuse, cut connections, be
 * slow, send garbage. What it says otherwise is up to who starts it.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";

const NAMESPACE = "com.amazonaws.dynamodb.v20120810#";

/** A request as it came in. */
export interface Call {
  /** Such as `Scan`. */
  operation: string;
  /** Which call of this operation it is, from 1. */
  number: number;
  body: Record<string, unknown>;
  /** The body as it was sent. */
  text: string;
  /** The access key it is signed with. */
  accessKey: string;
  /** When it came, by `performance.now()`. */
  at: number;
}

/** How one call is answered, where not as the service would. */
export type Misbehaviour =
  /** An error of the service. */
  | { error: string; message?: string; status?: number }
  /** These bytes, whatever they are. */
  | { text: string; status?: number }
  /** This object as JSON. */
  | { result: object }
  /** The right answer, but that late. */
  | { delayMs: number }
  /** The right answer and its checksum, but one digit is another one: JSON still. */
  | "corrupt"
  /** Half of the right answer, then the connection is gone. */
  | "cut"
  /** No answer at all: the connection is closed. */
  | "hang up";

/** An answer's status and body. */
export interface Answer {
  status: number;
  text: string;
}

/** What {@link startProtocol} takes. */
export interface ProtocolOptions {
  /** What the service would say. */
  right: (call: Call) => Answer;
  /** Asked before every answer; undefined: answer as the service would. */
  misbehave?: ((call: Call) => Misbehaviour | undefined) | undefined;
}

/** A running server. */
export interface Protocol extends AsyncDisposable {
  endpoint: string;
  /** Every call so far, in the order of arrival. */
  calls: Call[];
  /** How often an operation was called. */
  count(operation: string): number;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startProtocol({ right, misbehave }: ProtocolOptions): Promise<Protocol> {
  const calls: Call[] = [];
  const counts = new Map<string, number>();
  const count = (operation: string): number => counts.get(operation) ?? 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString("utf8");
    const body = JSON.parse(text || "{}") as Record<string, unknown>;
    const accessKey = /Credential=([^/]+)/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const number = count(operation) + 1;
    counts.set(operation, number);
    const call = { operation, number, body, text, accessKey, at: performance.now() };
    calls.push(call);

    const wrong = misbehave?.(call);
    if (wrong === "hang up") return void request.socket.destroy();
    if (typeof wrong === "object") {
      if ("error" in wrong) return send(response, failure(wrong.error, wrong.message, wrong.status));
      if ("text" in wrong) return send(response, { status: wrong.status ?? 200, text: wrong.text });
      if ("result" in wrong) return send(response, success(wrong.result));
      await sleep(wrong.delayMs);
    }
    const answer = right(call);
    if (wrong === "corrupt") return send(response, { ...answer, text: corrupted(answer.text) }, answer.text);
    if (wrong === "cut") {
      const whole = Buffer.from(answer.text);
      response.writeHead(200, {
        "content-type": "application/x-amz-json-1.0",
        "content-length": whole.length,
      });
      response.write(whole.subarray(0, whole.length >> 1), () => request.socket.destroy());
      return;
    }
    send(response, answer);
  }

  const server = createServer((request, response) => {
    // a client that gave up waiting is no failure of ours
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    count,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** @param whole what its checksum is of, as the service sends one with each answer */
function send(response: ServerResponse, { status, text }: Answer, whole: string = text): void {
  response.writeHead(status, {
    "x-amz-crc32": crc32(whole),
    "content-type": "application/x-amz-json-1.0",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** With another digit in the place of the last one. */
export function corrupted(text: string): string {
  return text.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) % 9) + 1));
}

/** A good answer. */
export const success = (result: object): Answer => ({ status: 200, text: JSON.stringify(result) });

/** The service's error. */
export function failure(name: string, message = `${name}, says the stand-in`, status = 400): Answer {
  return { status, text: JSON.stringify({ __type: NAMESPACE + name, message }) };
}
