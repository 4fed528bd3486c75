/**
 * Writes of which nobody knows what became of them: a balancer that gives up, or a connection that is cut, takes back nothing, and the
 * service may carry them out later, after a newer one of the same key. It tells nobody what is on its way: only waiting helps.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../core/plugin/context.ts";
import { isAnswer, passingFailure } from "../../_dynamodb/errors.ts";
import { textOf } from "../../_dynamodb/no-answer.ts";

const SECOND = 1000;
/** From its sending on a write may be carried out for so long, in ms: no shorter time is waited for an answer, either. */
export const LATEST: number = 30 * SECOND;
/** It is said when it takes longer. */
const QUIET = 2 * SECOND;

/** No connection was there to send it through. */
const NOT_SENT =
  /ENOTFOUND|EAI_AGAIN|EAI_FAIL|FailedToOpenSocket|dns error|ECONNREFUSED|ConnectionRefused|connection refused|EHOSTUNREACH|ENETUNREACH|host unreachable|network unreachable/i;
/** A balancer that has nobody to pass it on to. */
const UNAVAILABLE = 503;

/** Waits for what may come late. */
export interface Late {
  /** Makes one try of a write, and notes when it was sent if nobody knows what became of it. */
  noting<T>(send: () => Promise<T>): Promise<T>;
  /** Resolves when nothing of it can come any more. */
  over(): Promise<void>;
}

/** Makes one write's. */
export function createLate({ log, abandon, patience }: Pick<Context, "log" | "abandon" | "patience">): Late {
  // No test waits for as long as a run does.
  const latest = Math.min(LATEST, patience / 4);
  let sentAt: number | undefined;
  return {
    async noting(send) {
      const at = performance.now();
      try {
        return await send();
      } catch (error) {
        if (mayBeDone(error)) sentAt = at;
        throw error;
      }
    },
    async over() {
      if (sentAt === undefined) return;
      const left = sentAt + latest - performance.now();
      if (left <= 0) return;
      if (left > QUIET) {
        const seconds = Math.ceil(left / SECOND);
        log.info(`waiting ${seconds} s: a write that got no answer from the target may still be carried out`);
      }
      await sleep(left, undefined, { signal: abandon }).catch(() => {});
    },
  };
}

/** Whether a write may be carried out after this failure of its. */
export function mayBeDone(error: unknown): boolean {
  // Of an answer that is broken it is over, and so it is of what the service says itself.
  if (!(error instanceof Error) || passingFailure(error) !== "away") return false;
  if (isAnswer(error) || error.name === "MalformedAnswerError") return false;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status !== undefined) return status >= 500 && status !== UNAVAILABLE;
  return !NOT_SENT.test(textOf(error));
}
