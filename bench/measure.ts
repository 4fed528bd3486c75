/** Starts the source, the floor and the tool as processes of their own, and measures the tool's from outside. */
import type { Subprocess } from "bun";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FloorResult } from "./floor.ts";
import type { Shape } from "./orders.ts";
import type { SourceStats } from "./source.ts";

/** What one run of the tool took. */
export interface ToolResult {
  items: number;
  /** From spawn to exit. */
  wallMs: number;
  /** From the first request at the source to the line that ends the work: without the runtime's start and end. */
  pureMs: number;
  /** User and system time of the process and the descendants it waited for. */
  cpuUs: number;
  /** Highest resident memory of the whole process tree. */
  peakBytes: number;
  source: SourceStats;
  /** The end of what it printed on standard output. */
  output: string;
}

/** A running stand-in for DynamoDB. */
export type Source = Server<SourceStats>;

const SAMPLE_MS = 100;
const KILL_AFTER_MS = 5_000;
/** Slower than this is not a measurement any more but a hang. */
const SLOWEST_ITEMS_PER_SECOND = 1_000;
const START_MS = 60_000;

// the machine's NIMO_… and AWS settings must not take part
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(NIMO|AWS)_/.test(name)),
);

const bun = (script: string, ...args: string[]): string[] => [
  process.execPath,
  join(import.meta.dirname, script),
  ...args,
];

/** Ends a child gently, then hard, and waits for it. */
async function end(child: Subprocess): Promise<void> {
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

/** Starts `bench/source.ts`. */
export function startSource(options: { items: number; gsi: number; shape?: Shape }): Promise<Source> {
  const { items, gsi, shape = "medium" } = options;
  return startServer("source.ts", `--items=${items}`, `--gsi=${gsi}`, `--shape=${shape}`);
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

/** Resident bytes of a process and its descendants; 0 where there is no /proc, or when it has ended meanwhile. */
function treeBytes(pid: number): number {
  try {
    const kb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
    );
    return children.reduce((sum, child) => sum + treeBytes(Number(child)), kb * 1024);
  } catch {
    return 0;
  }
}

/** Keeps the end of an output, for the error message, and tells when the text that ends the work came. */
async function follow(
  stream: ReadableStream<Uint8Array>,
  end?: { text: string; onDone: () => void },
): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  let done = false;
  for await (const chunk of stream) {
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-4_000);
    if (!done && end !== undefined && tail.includes(end.text)) {
      done = true;
      end.onDone();
    }
  }
  return tail;
}

/** How to start the tool. */
export interface ToolCommand {
  /** The file and arguments, with the conf. */
  command: string[];
  /** The folder it runs in: a scratch folder, for whatever it may write there. */
  cwd: string;
  items: number;
  source: Source;
  signal: AbortSignal;
  /** What it prints when its work is done. */
  done?: string;
  /** The exit code that it should end with. */
  code?: number;
}

/**
 * Runs the tool once. Its maximum from the kernel would include this process's own size at the fork, so nothing
 * big is ever held here.
 */
export async function runTool(options: ToolCommand): Promise<ToolResult> {
  const { command, cwd, items, source, signal, done = "full sync done!", code: wanted = 0 } = options;
  await source.stats();
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(START_MS + (items / SLOWEST_ITEMS_PER_SECOND) * 1_000);
  const started = performance.now();
  const child = Bun.spawn(command, {
    cwd,
    env: environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const stop = (): void => void end(child);
  for (const each of [signal, timeout]) each.addEventListener("abort", stop, { once: true });
  let sampled = 0;
  const sampler = setInterval(() => (sampled = Math.max(sampled, treeBytes(child.pid))), SAMPLE_MS);
  let doneAt = 0;
  try {
    const output = Promise.all([
      follow(child.stdout, { text: done, onDone: () => (doneAt = Date.now()) }),
      follow(child.stderr),
    ]);
    const code = await child.exited;
    const wallMs = performance.now() - started;
    signal.throwIfAborted();
    const printed = await output;
    const text = printed.join("\n").trim();
    if (timeout.aborted) throw new Error(`the tool did not end in time:\n${text}`);
    if (code !== wanted || doneAt === 0)
      throw new Error(
        `the tool failed with exit code ${code}${code === wanted ? ` and no '${done}'` : ""}:\n${text}`,
      );
    const usage = child.resourceUsage();
    if (!usage) throw new Error("no resource usage for the tool");
    const seen = await source.stats();
    return {
      items,
      wallMs,
      pureMs: doneAt - seen.firstRequestAt,
      cpuUs: Number(usage.cpuTime.total),
      peakBytes: Math.max(usage.maxRSS, sampled),
      source: seen,
      output: printed[0],
    };
  } finally {
    clearInterval(sampler);
    for (const each of [signal, timeout]) each.removeEventListener("abort", stop);
  }
}
