/** Free ports, and waiting until somebody listens. */
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync } from "node:fs";
import type { Child } from "./process.ts";

/** Ports below those that systems give to outgoing connections. */
const FIRST = 20_000;
const PORTS = 12_000;
/** How far apart processes begin to look whose ids follow each other: no two find the same port free at once. */
const BLOCK = 16;
let looked = 0;

/** A port nobody listens on at the moment, on 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + ((process.pid * BLOCK + looked++) % PORTS);
    if (await canListen(port)) return port;
    if (looked > PORTS) throw new Error(`no port is free from ${FIRST} to ${FIRST + PORTS}`);
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** True when somebody listens on the port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
}

/** A child that ended, or did not answer, before it listened; with the end of its log. */
export class NotStarted extends Error {}

/** Waits until `ready` is true. Fails when the child ends first, or after `timeoutMs`. */
export async function waitUntil(
  ready: () => Promise<boolean>,
  child: Child,
  log: string,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (child.alive()) {
    if (await ready()) return;
    if (Date.now() > deadline)
      throw new NotStarted(`not ready after ${timeoutMs / 1000} s; its log ends:\n${tail(log)}`);
    await sleep(20);
  }
  throw new NotStarted(`ended with code ${await child.exited} at its start; its log ends:\n${tail(log)}`);
}

/** Starts something on a free port; should another process take the port in between, on another. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return await start(port);
    } catch (error) {
      const taken =
        error instanceof NotStarted && /already in use|BindException|Failed to bind/i.test(error.message);
      if (!taken || attempt === 5) throw error;
    }
  }
}

function tail(log: string): string {
  return readFileSync(log, "utf8").trim().split("\n").slice(-15).join("\n");
}
