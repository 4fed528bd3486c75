/** Which failures of DynamoDB's calls are sat out, for how long, and what they are called in the end. */
import type { Context } from "../../core/plugin/context.ts";
import { type RetryPolicy, withRetry } from "../../core/flow/retry.ts";
import { addressOf } from "./access.ts";
import {
  callError,
  type Called,
  callName,
  isAnswer,
  isBalancers,
  passingFailure,
  said,
  type Side,
} from "./errors.ts";
import { createTrouble, type TroubledCall } from "./retry-reporter.ts";

const SECOND = 1000;
/** Around the SDK's own tries, whose pauses are shorter. */
export const PAUSES: Omit<RetryPolicy, "total"> = {
  firstPause: 0.5 * SECOND,
  longestPause: 20 * SECOND,
  steady: 0,
};
/** Throttling may last long and is no fault: it is sat out so many times longer than the rest. */
const THROTTLED_PATIENCE = 5;

/** Who has never answered may be no DynamoDB at all: that is told soon. */
const FIRST_CONTACT = 3 * SECOND;
/** Of calls that change a table LimitExceededException says that another change has to end first. */
const CHANGES = ["CreateTable", "UpdateTable", "DeleteTable"];

/** Makes a call again while its failure may pass, and says what it was when it doesn't. */
export type Calls = <T>(what: Called, signal: AbortSignal, send: () => Promise<T>) => Promise<T>;

/** What {@link createCalls} takes beside whom it calls. */
export interface CallsOptions {
  /** Between tries, where the SDK makes none of its own. */
  pauses?: typeof PAUSES;
  /** They are the first calls of the run, before anything is done. */
  first?: boolean;
}

/** For how long a call that fails in this way is made again, in ms. */
export function patienceWith(ctx: Context, error: unknown): number {
  return ctx.patience * (passingFailure(error) === "throttled" ? THROTTLED_PATIENCE : 1);
}

/** The calls of a run to one side. */
export function createCalls(
  ctx: Context,
  side: Side,
  { pauses = PAUSES, first = false }: CallsOptions = {},
): Calls {
  const trouble = createTrouble(ctx, side);
  let answered = !first;

  function patience(error: unknown): number {
    answered ||= isAnswer(error) || isBalancers(error);
    return answered ? patienceWith(ctx, error) : Math.min(FIRST_CONTACT, ctx.patience);
  }

  return async (called, signal, send) => {
    const { call } = called;
    const troubled: TroubledCall = { ...called };
    const what = callName(called);
    const address = addressOf(ctx.config, side, call);
    try {
      const answer = await withRetry(send, {
        ...(side === "target" && { before: ctx.mayWrite }),
        policy: { ...pauses, total: patience },
        passes: (error) => passingFailure(error) !== undefined && !(CHANGES.includes(call) && isLimit(error)),
        onRetry(error, pause) {
          troubled.failingSince ??= performance.now();
          ctx.log.debug(`${what}: ${said(error as Error, address)}; again in ${Math.round(pause)} ms`);
          trouble(troubled, error, pause);
        },
        signal,
      });
      answered = true;
      return answer;
    } catch (error) {
      throw callError(side, error, called, { patience: patience(error), begun: !first, address });
    }
  };
}

const isLimit = (error: unknown): boolean =>
  error instanceof Error && error.name === "LimitExceededException";
