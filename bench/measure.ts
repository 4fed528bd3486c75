/** Starts the source, the floor and other servers as processes of their own. */
import type { Subprocess } from "bun";
import { join } from "node:path";
import type { FloorResult } from "./floor.ts";
import type { Shape } from "./orders.ts";
import type { SourceStats } from "./source.ts";

/** A running stand-in for DynamoDB. */
export type Source = Server<SourceStats>;

const KILL_AFTER_MS = 5_000;

const bun = (script: string, ...args: string[]): string[] => [
  process.execPath,
  join(import.meta.dirname, script),
  ...args,
];

/** Ends a child gently, then hard, and waits for it. */
export async function end(child: Subprocess): Promise<void> {
  const hard = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  child.kill();
  await child.exited;
  clearTimeout(hard);
}

/** A server of ours in a process of its own. */
export interface Server<Stats> extends AsyncDisposable {
  url: string;
  /** What it has seen since it was asked last. */
  stats(): Promise<Stats>;
}

/** Starts one of this folder's servers. */
export async function startServer<Stats>(script: string, ...args: string[]): Promise<Server<Stats>> {
  const child = Bun.spawn(bun(script, ...args), { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  const url = new TextDecoder().decode(value).trim();
  if (!url.startsWith("http")) throw new Error(`${script} did not start: exit code ${await child.exited}`);
  return {
    url,
    stats: async () => (await fetch(`${url}/stats`)).json() as Promise<Stats>,
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Starts `bench/source.ts`; `latency` is how long it takes for an answer, in ms. */
export function startSource(options: {
  items: number;
  gsi: number;
  shape?: Shape;
  latency?: number;
}): Promise<Source> {
  const { items, gsi, shape = "medium", latency = 0 } = options;
  const flags = { items, gsi, shape, latency };
  return startServer("source.ts", ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`));
}

/** Starts `bench/latency.ts` before a mongod; `url` is the MongoDB address that is `ms` away, there and back. */
export async function startDelay(uri: string, ms: number): Promise<Server<never>> {
  const { host } = new URL(uri);
  const delay = await startServer<never>("latency.ts", `--to=${host}`, `--rtt=${ms}`);
  // by the addresses that a replica set tells, its members would be reached without the delay
  return Object.assign(delay, { url: `mongodb://${new URL(delay.url).host}/?directConnection=true` });
}

/** Runs `bench/floor.ts` once. */
export async function runFloor(options: {
  uri: string;
  items: number;
  gsi: number;
  shape: Shape;
  signal: AbortSignal;
}): Promise<FloorResult> {
  const { uri, items, gsi, shape, signal } = options;
  const flags = [`--uri=${uri}`, `--items=${items}`, `--gsi=${gsi}`, `--shape=${shape}`];
  const child = Bun.spawn(bun("floor.ts", ...flags), {
    stdout: "pipe",
    stderr: "inherit",
    signal,
  });
  const [output, code] = await Promise.all([child.stdout.text(), child.exited]);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`the floor failed with exit code ${code}`);
  return JSON.parse(output) as FloorResult;
}
