/** A line in the log about each call to MongoDB that failed and is made again, and its place among the counters. */
import type { Context } from "../../core/plugin/context.ts";
import { noteRetry } from "../../core/progress/progress.ts";

const CODES = { target: "TARGET_UNREACHABLE", checkpoint: "CHECKPOINT_FAILED" } as const;

/** What `withRetry` is to tell of a call. */
export function retryReporter(
  { log, progress }: Pick<Context, "log" | "progress">,
  side: keyof typeof CODES,
  what: string,
  table?: string,
): (error: unknown, pause: number) => void {
  return (error, pause) => {
    const message = `${what}: ${(error as Error).message}`;
    log.warn({ message: `${message}; again in ${Math.round(pause)} ms`, table });
    noteRetry(progress, { side, table, code: CODES[side], pause, message });
  };
}
