/** What strangers may do to a port: none of it keeps others from being answered. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { eventually } from "../../e2e/eventually.ts";
import { createRoutes, type HttpPort, openHttpPort } from "../../../bin/http/port.ts";

setDefaultTimeout(180_000);

const LIMITS = {
  connections: 8,
  headersTimeout: 300,
  requestTimeout: 300,
  keepAliveTimeout: 300,
  connectionsCheckingInterval: 100,
  silence: 1000,
};
const CHUNK = new Uint8Array(64 * 1024);
/** What lies in the system's buffers of a connection, and more. */
const MOST_CHUNKS = 400;

let server: HttpPort;
/** Of the answer that has no end. */
let endless: { chunks: number; cancelled: Promise<void> } = { chunks: 0, cancelled: Promise.resolve() };
const sockets: Socket[] = [];

beforeEach(async () => {
  const routes = createRoutes()
    .get("/", (c) => c.text("here"))
    .get("/endless", (c) => c.body(withoutEnd()));
  const options = { name: "status", key: "some.port", host: "127.0.0.1", port: 0 };
  server = (await openHttpPort(routes, { ...options, log: { warn: () => {} }, limits: LIMITS }))!;
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

function withoutEnd(): ReadableStream<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<void>();
  endless = { chunks: 0, cancelled: promise };
  return new ReadableStream({
    pull(controller) {
      endless.chunks++;
      controller.enqueue(CHUNK);
    },
    cancel: () => resolve(),
  });
}

/** A connection that has sent something; what it got so far, and its end. */
function open(text: string | Uint8Array, reads = true) {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  const got = { text: "" };
  if (reads) socket.on("data", (chunk) => (got.text += chunk.toString("latin1")));
  else socket.pause();
  socket.on("error", () => {});
  socket.on("connect", () => socket.write(text));
  return { socket, got, closed: new Promise<void>((resolve) => socket.on("close", () => resolve())) };
}

async function answers(): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${server.port}/`);
  expect(await answer.text()).toBe("here");
}

test.each([
  ["nothing", ""],
  ["another protocol", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001"],
  ["noise", new Uint8Array(5000).map((_, n) => (n * 7919) % 256)],
  ["half a request", "GET / HTTP/1.1\r\nHost: localhost\r\n"],
  ["a request without its body", "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx"],
  ["a header that is too long", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(100_000)}\r\n\r\n`],
])("a connection with %s ends by itself, and others are answered", async (_, text) => {
  const strange = open(text);
  await answers();
  await strange.closed;
  expect(strange.got.text).not.toContain("500");
  await answers();
});

test("one that sends a byte now and then ends by itself", async () => {
  const slow = open("GET / HTTP/1.1\r\n");
  const timer = setInterval(() => slow.socket.write("x"), 50);
  await slow.closed;
  clearInterval(timer);
  await answers();
});

test("one that never reads ends by itself", async () => {
  const deaf = open("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n", false);
  await eventually(() => expect(endless.chunks).toBeGreaterThan(0));
  await answers();
  await endless.cancelled;
  expect(endless.chunks).toBeLessThan(MOST_CHUNKS);
  expect(deaf.got.text).toBe("");
  await answers();
});

test("more connections than there may be are closed, and when they are gone others are answered", async () => {
  const many = Array.from({ length: 30 }, () => open("GET / HTTP/1.1\r\nHost: localhost\r\n"));
  await Promise.all(many.map(({ closed }) => closed));
  await answers();
});

test("in HTTP 1.0 nobody needs to name a host", async () => {
  const old = open("GET / HTTP/1.0\r\n\r\n");
  await old.closed;
  expect(old.got.text).toContain("200 OK");
});

test("no other origin reads, frames or preflights what is answered", async () => {
  for (const path of ["", "nothing"]) {
    const { headers } = await fetch(`http://127.0.0.1:${server.port}/${path}`, {
      headers: { origin: "http://elsewhere.example" },
    });
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
  const asked = await fetch(`http://127.0.0.1:${server.port}/`, {
    method: "OPTIONS",
    headers: { origin: "http://elsewhere.example", "access-control-request-method": "GET" },
  });
  expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([405, null]);
});
