/** Runs the tool, or another one, as a process of its own and measures it from outside. */
import { end, type Server } from "./measure.ts";
import { peakBytesOf } from "./peak-memory.ts";
import { environment } from "./tool.ts";

/** What a stand-in for the source tells. */
export interface Asked {
  /** Milliseconds since 1970; 0: nothing was asked. */
  firstRequestAt: number;
}

/** What one run of the tool took. */
export interface ToolResult<Stats extends Asked> {
  /** From spawn to exit; until it was done, when it was ended then. */
  wallMs: number;
  /** From the first request at the source until it was done: without the runtime's start and end. */
  pureMs: number;
  startedAt: number;
  /** When it was done; both in ms since 1970. */
  doneAt: number;
  /** User and system time of the process and the descendants it waited for. */
  cpuUs: number;
  /** Highest resident memory of the whole process tree. */
  peakBytes: number;
  source: Stats;
  /** The end of what it printed on standard output. */
  output: string;
}

/** How to start the tool. */
export interface ToolCommand<Stats extends Asked> {
  /** The file and arguments, with the conf. */
  command: string[];
  /** The folder it runs in: a scratch folder, for whatever it may write there. */
  cwd: string;
  items: number;
  source: Pick<Server<Stats>, "stats">;
  signal: AbortSignal;
  /** When its work is done: it prints this, or this resolves. `full sync done!` */
  done?: string | ((over: AbortSignal) => Promise<void>);
  /** How it ends then: by itself, by our signal, or by either when there is no knowing. By itself. */
  ends?: "itself" | "stopped" | "either";
  /** With `either`: who is done and doesn't end within so many ms is ended. 10 s */
  lingerMs?: number;
  /** The exit code that it should end with. 0 */
  code?: number;
}

const SAMPLE_MS = 100;
/** Slower than this is not a measurement any more but a hang. */
const SLOWEST_ITEMS_PER_SECOND = 1_000;
const START_MS = 60_000;
const LINGER_MS = 10_000;

/** Keeps the end of an output, for the error message, and tells when a text came. */
async function follow(stream: ReadableStream<Uint8Array>, seen: (tail: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of stream) {
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-4_000);
    seen(tail);
  }
  return tail;
}

/** Runs the tool once. */
export async function runTool<Stats extends Asked>(options: ToolCommand<Stats>): Promise<ToolResult<Stats>> {
  const {
    command,
    cwd,
    items,
    source,
    signal,
    done = "full sync done!",
    ends = "itself",
    code = 0,
    lingerMs = LINGER_MS,
  } = options;
  await source.stats();
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(START_MS + (items / SLOWEST_ITEMS_PER_SECOND) * 1_000);
  const startedAt = Date.now();
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
  const sampler = setInterval(() => (sampled = Math.max(sampled, peakBytesOf(child.pid))), SAMPLE_MS);
  const over = new AbortController();
  let doneAt = 0;
  let isStopped = false;
  let lingering: Timer | undefined;
  function onDone(): void {
    if (doneAt > 0) return;
    doneAt = Date.now();
    if (ends === "itself") return;
    const stopIt = (): void => {
      isStopped = true;
      stop();
    };
    lingering = setTimeout(stopIt, ends === "stopped" ? 0 : lingerMs);
  }
  const seen = (tail: string): void => {
    if (typeof done === "string" && tail.includes(done)) onDone();
  };
  try {
    const output = Promise.all([
      follow(child.stdout, seen),
      follow(child.stderr, ends === "either" ? seen : () => {}),
    ]);
    if (typeof done === "function") done(over.signal).then(onDone, stop);
    const ended = await child.exited;
    over.abort();
    const endedAt = Date.now();
    const printed = await output;
    signal.throwIfAborted();
    const text = printed.join("\n").trim();
    if (timeout.aborted) throw new Error(`the tool did not end in time:\n${text}`);
    if (doneAt === 0 || (!isStopped && ended !== code))
      throw new Error(
        `the tool ended with exit code ${ended}${doneAt > 0 ? "" : " and was not done"}:\n${text}`,
      );
    const usage = child.resourceUsage();
    if (!usage) throw new Error("no resource usage for the tool");
    const stats = await source.stats();
    return {
      wallMs: (isStopped ? doneAt : endedAt) - startedAt,
      pureMs: doneAt - stats.firstRequestAt,
      startedAt,
      doneAt,
      cpuUs: Number(usage.cpuTime.total),
      peakBytes: sampled > 0 ? sampled : usage.maxRSS,
      source: stats,
      output: printed[0],
    };
  } finally {
    over.abort();
    clearInterval(sampler);
    clearTimeout(lingering);
    for (const each of [signal, timeout]) each.removeEventListener("abort", stop);
  }
}
