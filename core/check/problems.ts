/** Everything that would refuse a start, each once, and not only the first. */
import { type ErrorCode, type MigrationError, toMigrationError } from "../errors.ts";
import { type Attempt, hearing } from "../flow/attempt.ts";
import type { Problem } from "./plan.ts";

/** Such a failure refuses a start, though a run that ends with it ends with 1. */
const REFUSING: ReadonlySet<ErrorCode> = new Set(["STREAM_GAP"]);

/** See the top of the file. */
export interface Problems {
  readonly list: Problem[];
  add(problem: Problem): void;
  /** Does a step, and notes what it fails with; the stop of the whole is thrown. */
  hear: Attempt;
}

/** Makes it. */
export function createProblems(signal: AbortSignal): Problems {
  const list: Problem[] = [];

  function add(problem: Problem): void {
    const isKnown = list.some(({ code, message }) => code === problem.code && message === problem.message);
    if (!isKnown) list.push(problem);
  }

  return {
    list,
    add,
    hear: hearing((thrown) => {
      signal.throwIfAborted();
      add(problemOf(toMigrationError(thrown)));
    }),
  };
}

/** An error that a start would end with. */
export function problemOf({ code, message, hint, exit }: MigrationError): Problem {
  return { code, message, hint: hint ?? null, refuses: exit === 2 || REFUSING.has(code) };
}
