/** How a run ended. */
import type { ErrorCode } from "../errors.ts";
import type { Progress } from "../progress/progress.ts";

/** See the top of the file. */
export type Outcome =
  /** All is copied, and nothing is followed. */
  | { kind: "done" }
  /** A signal, or the program that runs the library, ended it; the state is saved. */
  | { kind: "stopped"; signal: string; /** When it came, ISO 8601. */ at: string }
  | { kind: "failed"; code: ErrorCode; message: string; hint: string | null }
  /** All that was written at the source until `at` is applied; so many changes came that were made after it. */
  | { kind: "switched over"; at: string; changesAfter: number };

/** How a run ended that has come to its end. */
export function reachedEnd({ switchover }: Progress): Outcome {
  if (switchover === undefined) return { kind: "done" };
  const { at, changesAfter } = switchover;
  return { kind: "switched over", at: new Date(at).toISOString(), changesAfter };
}

/** The time at which what lags is looked at, in ms since 1970: what closes a run takes a moment. */
export function endOf(outcome: Outcome, endedAt: number): number {
  return outcome.kind === "stopped" ? Date.parse(outcome.at) : endedAt;
}
