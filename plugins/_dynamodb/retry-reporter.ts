/** Lines in the log about calls that fail for long. */
import type { Context } from "../../core/plugin/context.ts";
import { noteRetry } from "../../core/progress/progress.ts";
import { addressOf } from "./access.ts";
import { type Called, callName, passingFailure, said, type Side } from "./errors.ts";

const SECOND = 1000;
/** What fails for less isn't worth a line. */
const WORTH_TELLING = 2 * SECOND;
/** The lines about one kind of call to one table are at least so far apart. */
const QUIET = 10 * SECOND;

const CODES = {
  source: { throttled: "SOURCE_THROTTLED", away: "SOURCE_UNREACHABLE" },
  target: { throttled: "TARGET_THROTTLED", away: "TARGET_UNREACHABLE" },
} as const;

/** One call, with all its tries. */
export interface TroubledCall extends Called {
  /** When it failed for the first time, by `performance.now()`. */
  failingSince?: number;
  told?: boolean;
}

/** Is told of every failure that is followed by a further try, and of the pause before it in ms. */
export type Trouble = (call: TroubledCall, error: unknown, pause: number) => void;

/** Counts repeated calls, and logs those that fail for long: a line per call and table now and then. */
export function createTrouble(
  { config, log, progress }: Pick<Context, "config" | "log" | "progress">,
  side: Side,
): Trouble {
  /** By call and table: when the last line was written, and for how many calls there was none since. */
  const lines = new Map<string, { at: number; untold: number }>();

  const where = side === "target" ? " at the target" : "";

  return (troubled, error, pause) => {
    const { call, table } = troubled;
    // A limit of the account, and not of the table: one line for all.
    const about = error instanceof Error && error.name === "LimitExceededException" ? undefined : table;
    const key = `${call} ${about ?? ""}`;
    const throttled = passingFailure(error) === "throttled";
    const code = throttled ? CODES[side].throttled : CODES[side].away;
    const why = said(error as Error, addressOf(config, side, call));
    noteRetry(progress, { side, table, code, pause, message: `${callName(troubled)}${where}: ${why}` });
    const now = performance.now();
    if (troubled.told || now - (troubled.failingSince ?? now) < WORTH_TELLING) return;
    troubled.told = true;
    const line = lines.get(key) ?? { at: -Infinity, untold: 0 };
    lines.set(key, line);
    line.untold++;
    if (now - line.at < QUIET) return;
    const calls = line.untold === 1 ? `a ${call}` : `${line.untold} ${call}s`;
    const message = `${callName({ call: calls, ...(about && { table: about }) })}${where} failed for over 2 s, trying again: ${why}`;
    log.warn({ message, table: about });
    Object.assign(line, { at: now, untold: 0 });
  };
}
