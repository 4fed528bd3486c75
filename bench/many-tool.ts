/** The tool as a process that goes on until it is stopped, watched from outside. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { peakBytesOf } from "./peak-memory.ts";
import { environment, setArgs, toolCommand, type ToolOptions } from "./tool.ts";

/** Clock ticks a second in /proc, which Linux has fixed. */
const TICKS = 100;
const SECOND = 1000;
const KILL_AFTER_MS = 20 * SECOND;
/** How it ends when SIGTERM has stopped it. */
const STOPPED = 128 + constants.signals.SIGTERM;

/** How it is started. */
export interface ManyToolOptions extends ToolOptions {
  conf: string;
  cwd: string;
  sets?: string[];
}

/** It runs. */
export interface ManyTool extends AsyncDisposable {
  /** Resolves when it says that all is copied. */
  copied: Promise<void>;
  /** Rejects when it ends before it is stopped. */
  failed: Promise<never>;
  /** User and system time until now. */
  cpuMs(): number;
  /** The most memory until now. */
  peakBytes(): number;
  /** Ends it by SIGTERM; throws when it didn't end as it should. */
  stop(): Promise<void>;
}

/** Starts it. */
export function startManyTool({ conf, cwd, sets = [], ...options }: ManyToolOptions): ManyTool {
  const child = Bun.spawn(toolCommand(options, [`-conf=${conf}`, ...setArgs(sets)]), {
    cwd,
    env: environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const copied = Promise.withResolvers<void>();
  let isStopping = false;
  let output = "";

  async function read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output = (output + decoder.decode(chunk, { stream: true })).slice(-4000);
      if (output.includes("full sync done!")) copied.resolve();
    }
  }
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);

  async function fail(): Promise<never> {
    await Promise.all([child.exited, reading]);
    if (isStopping) return new Promise(() => {});
    throw new Error(`the tool ended with exit code ${child.exitCode}:\n${output}`);
  }
  const failed = fail();
  failed.catch(() => {});

  async function end(): Promise<void> {
    isStopping = true;
    const hard = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    child.kill("SIGTERM");
    await child.exited;
    clearTimeout(hard);
  }

  return {
    copied: copied.promise,
    failed,
    cpuMs() {
      const [, fields = ""] = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(/\) /s);
      const [user, system] = fields.split(" ").slice(11, 13).map(Number) as [number, number];
      return ((user + system) / TICKS) * SECOND;
    },
    peakBytes: () => peakBytesOf(child.pid),
    async stop() {
      await end();
      await reading;
      if (child.exitCode !== STOPPED)
        throw new Error(`the tool ended with exit code ${child.exitCode} at SIGTERM:\n${output}`);
    },
    [Symbol.asyncDispose]: end,
  };
}
