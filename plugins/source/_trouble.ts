import type { Context } from "../../core/context.ts";
import { noteRetry } from "../../core/progress.ts";
import { passingFailure } from "../_dynamodb-errors.ts";

const SECOND = 1000;
/** What fails for less isn't worth a line. */
const WORTH_TELLING = 2 * SECOND;
/** A table's lines are at least so far apart. */
const QUIET = 10 * SECOND;

/** One call, with all its tries. */
export interface TroubledCall {
  table: string;
  /** When it failed for the first time, by `performance.now()`. */
  failingSince?: number;
  told?: boolean;
}

/** Is told of every failure that is followed by a further try, and of the pause before it in ms. */
export type Trouble = (call: TroubledCall, error: unknown, pause: number) => void;

/** Counts repeated calls, and logs those that fail for long: a line per table now and then. */
export function createTrouble({ log, progress }: Pick<Context, "log" | "progress">): Trouble {
  /** By table: when the last line was written, and for how many calls there was none since. */
  const lines = new Map<string, { at: number; untold: number }>();

  return (call, error, pause) => {
    const { table } = call;
    const throttled = passingFailure(error) === "throttled";
    noteRetry(progress, table, { what: throttled ? "throttled" : "source away", throttled, pause });
    const now = performance.now();
    if (call.told || now - (call.failingSince ?? now) < WORTH_TELLING) return;
    call.told = true;
    const line = lines.get(table) ?? { at: -Infinity, untold: 0 };
    lines.set(table, line);
    line.untold++;
    if (now - line.at < QUIET) return;
    const calls = line.untold === 1 ? "a Scan" : `${line.untold} Scans`;
    log.warn(`${calls} of table ${table} failed for over 2 s, trying again: ${reason(error)}`);
    Object.assign(line, { at: now, untold: 0 });
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? `${error.name}, ${error.message}` : String(error);
}
