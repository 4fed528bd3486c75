/** What anybody may send to the control socket and to the ports: an answer or a closed connection, and the next one is answered. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { connect } from "node:net";
import fc from "fast-check";
import { connectTo } from "../../bin/control/client.ts";
import { decodeAnswer, encodeRequest } from "../../bin/control/protocol.ts";
import { loadConfig } from "../../core/config/load.ts";
import { openStatusPorts } from "../../bin/http/status-port.ts";
import { type Scene, scene } from "../bin/control/scene.ts";
import { fakeRoutes, SETTINGS } from "../bin/http/view.ts";
import { fakeProgress } from "../fakes/progress.ts";
import { fuzz } from "./fuzzing.ts";
import { mangled, warped } from "./mutations.ts";

/** Who says nothing more is waited for so long, in ms. */
const PATIENCE = 150;
const MANY = 300;

describe("the control socket", () => {
  let s: Scene;
  beforeAll(async () => void (s = await scene("fuzz", undefined, PATIENCE)));
  afterAll(() => s[Symbol.asyncDispose]());

  /** Sends bytes; each line that comes back is an answer of the protocol. */
  async function send(bytes: Buffer): Promise<string> {
    const text = await s.raw(bytes);
    const types = text
      .split("\n")
      .filter((each) => each !== "")
      .map((each) => decodeAnswer(each).type);
    expect(text).not.toMatch(/\s+at .*\.ts|TypeError|INTERNAL/);
    return types.at(-1) ?? "closed";
  }

  const request = fc.constantFrom<Parameters<typeof encodeRequest>[0]>(
    { verb: "status" },
    { verb: "resume" },
    { verb: "note", table: "orders" },
    { verb: "set", values: [["qps.full", "5"]] },
    { verb: "set", values: [["__proto__", "5"]] },
  );

  fuzz("requests on the control socket with broken bytes", {
    inputs: mangled(request.map((each) => Buffer.from(encodeRequest(each)))),
    runs: 120,
    check: send,
    sees: ["result", "error"],
  });

  fuzz("requests on the control socket with other members", {
    inputs: warped(request.map((each) => JSON.parse(encodeRequest(each)) as unknown)),
    runs: 120,
    check: (value) => send(Buffer.from(`${JSON.stringify(value)}\n`)),
    sees: ["error"],
  });

  fuzz("any bytes on the control socket, from many at once, and then a command", {
    inputs: fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 20 }),
    runs: 15,
    async check(all) {
      const sockets = await Promise.all(all.map(() => connectTo(s.path)));
      for (const [i, socket] of sockets.entries()) {
        socket.on("error", () => {});
        socket.write(all[i]!);
      }
      const [answer] = await s.answers({ verb: "status" });
      for (const socket of sockets) socket.destroy();
      return answer!.type;
    },
    sees: ["result"],
  });
});

describe("a status port", () => {
  let port: number;
  const open = new AsyncDisposableStack();
  beforeAll(async () => {
    const there = { ping: () => Promise.resolve() };
    const sides = { source: there, target: there, checkpoint: there };
    const progress = fakeProgress(Date.now(), [{ name: "orders" }]);
    const { routes, metrics } = fakeRoutes(progress, Date.now(), () => sides);
    open.defer(() => metrics.close());
    const { config } = loadConfig({
      set: { ...SETTINGS, "full_sync.http_port": "0", "incr_sync.http_port": "-1" },
    });
    const log = { warn: () => {} };
    const ports = await openStatusPorts(routes, { config, given: new Set(), host: "127.0.0.1", log });
    for (const each of ports) open.defer(() => each.close());
    ({ port } = ports[0]!);
  });
  afterAll(() => open.disposeAsync());

  /** Sends bytes, and gives what comes until it is closed, or for a while. */
  function raw(bytes: Buffer): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    const timer = setTimeout(() => socket.destroy(), PATIENCE);
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
    return promise;
  }

  async function send(bytes: Buffer): Promise<string> {
    const text = await raw(bytes);
    if (text === "") return "nothing said";
    expect(text).toMatch(/^HTTP\/1\.1 [1-5]\d\d /);
    expect(text).not.toMatch(/^HTTP\/1\.1 500|root:|\s+at .*\.ts|TypeError/);
    return text.slice(9, 12);
  }

  const METHODS = ["GET", "HEAD", "POST", "get", "G\0T", "PROPFIND", "CONNECT", "", "GET GET"];
  const PATHS = [
    "/",
    "/healthz",
    "/metrics",
    "/conf",
    "/progress",
    "/..%2f..%2fetc/passwd",
    "/../../etc/passwd",
    "/%00",
    "/%",
    "//",
    "/\ud83d\ude00",
    "*",
    "http://127.0.0.1/healthz",
    `/${"x".repeat(70_000)}`,
    "/healthz?a=%ff&__proto__=1",
  ];
  const HEADERS = [
    "Host: 127.0.0.1",
    "Host: evil.example",
    "Host:",
    "Host: 127.0.0.1\r\nHost: x",
    "Content-Length: 99999999999999999999",
    "Content-Length: -1",
    "Transfer-Encoding: chunked",
    `X: ${"y".repeat(70_000)}`,
    "X: a\r\n b",
    "X\0: a",
    ": a",
    "Connection: upgrade\r\nUpgrade: websocket",
    "Expect: 100-continue",
    "Range: bytes=0-99999999999",
  ];
  const head = fc
    .record({
      method: fc.oneof({ weight: 3, arbitrary: fc.constant("GET") }, fc.constantFrom(...METHODS)),
      path: fc.constantFrom(...PATHS),
      version: fc.oneof(
        { weight: 4, arbitrary: fc.constant("HTTP/1.1") },
        fc.constantFrom("HTTP/1.0", "HTTP/9.9", "", "X"),
      ),
      headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 3 }),
    })
    .map(({ method, path, version, headers }) =>
      Buffer.from(
        `${[`${method} ${path} ${version}`, "Host: 127.0.0.1", "Connection: close", ...headers].join("\r\n")}\r\n\r\n`,
      ),
    );

  fuzz("requests to a port", { inputs: head, runs: 80, check: send, sees: ["200"] });
  fuzz("requests to a port with broken bytes", { inputs: mangled(head), runs: 60, check: send });

  fuzz("a port that many hold open, with answers they don't read, and then a request", {
    inputs: fc.constantFrom("/events", "/metrics", ""),
    runs: 3,
    async check(path) {
      const sockets = Array.from({ length: MANY }, () => {
        const socket = connect(port, "127.0.0.1", () =>
          socket.write(path === "" ? "GET / HT" : `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`),
        );
        socket.on("error", () => {});
        return socket.pause();
      });
      await Promise.all(
        sockets.map(
          (socket) => new Promise((ready) => void socket.once("connect", ready).once("close", ready)),
        ),
      );
      for (const socket of sockets) socket.destroy();
      const begun = Date.now();
      for (;;) {
        const text = await raw(
          Buffer.from("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
        );
        if (text.startsWith("HTTP/1.1 200")) return "answered";
        // On a machine that does much else.
        expect(Date.now() - begun).toBeLessThan(20_000);
      }
    },
  });
});
