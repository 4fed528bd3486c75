import type { Context } from "../core/context.ts";
import { type RetryPolicy, withRetry } from "../core/retry.ts";
import { callError, passingFailure, type Side } from "./_dynamodb-errors.ts";
import { createTrouble, type TroubledCall } from "./_dynamodb-trouble.ts";

const SECOND = 1000;
/** Around the SDK's own tries, whose pauses are shorter. */
export const PAUSES: Omit<RetryPolicy, "total"> = {
  firstPause: 0.5 * SECOND,
  longestPause: 20 * SECOND,
  steady: 0,
};
/** Throttling may last long and is no fault: it is sat out so many times longer than the rest. */
const THROTTLED_PATIENCE = 5;

/** Makes a call again while its failure may pass, and says what it was when it doesn't. */
export type Calls = <T>(
  what: { call: string; table: string },
  signal: AbortSignal,
  send: () => Promise<T>,
) => Promise<T>;

/** For how long a call that fails in this way is made again, in ms. */
export function patienceWith(ctx: Context, error: unknown): number {
  return ctx.patience * (passingFailure(error) === "throttled" ? THROTTLED_PATIENCE : 1);
}

/**
 * The calls of a run to one side.
 *
 * @param pauses between tries, where the SDK makes none of its own
 */
export function createCalls(ctx: Context, side: Side, pauses: typeof PAUSES = PAUSES): Calls {
  const patience = (error: unknown): number => patienceWith(ctx, error);
  const trouble = createTrouble(ctx, side);
  return async ({ call, table }, signal, send) => {
    const troubled: TroubledCall = { call, table };
    try {
      return await withRetry(send, {
        policy: { ...pauses, total: patience },
        passes: (error) => passingFailure(error) !== undefined,
        onRetry(error, pause) {
          troubled.failingSince ??= performance.now();
          const { name, message } = error as Error;
          ctx.log.debug(`${call} of table ${table}: ${name}, ${message}; again in ${Math.round(pause)} ms`);
          trouble(troubled, error, pause);
        },
        signal,
      });
    } catch (error) {
      throw callError(side, error, `${call} of table ${table}`, patience(error));
    }
  };
}
