/** Making a call again: for how long, with which pauses. */
import { setTimeout as sleep } from "node:timers/promises";

const SECOND = 1000;

/** How long to go on with a failing call, in ms. */
export interface RetryPolicy {
  /** Pause before the second try; each further pause is twice as long. */
  firstPause: number;
  longestPause: number;
  /** From the first failure on, until giving up; may depend on the failure, the last one decides. */
  total: number | ((error: unknown) => number);
  /** The part of a pause that isn't left to chance, from 0 (full jitter) to 1; default one half. */
  steady?: number;
}

/** For servers that restart or elect a new primary. */
export const SERVER_RETRY: RetryPolicy = {
  firstPause: 0.1 * SECOND,
  longestPause: 5 * SECOND,
  total: 120 * SECOND,
};

/** What {@link withRetry} takes. */
export interface RetryOptions {
  policy: RetryPolicy;
  /** Asked before each try; what it throws is thrown. */
  before?: () => void | Promise<void>;
  /** Whether a failure may pass by itself. */
  passes: (error: unknown) => boolean;
  /** Told of each failure that is followed by a further try. */
  onRetry?: (error: unknown, pause: number) => void;
  /** Ends the waiting; the failure is thrown then. */
  signal: AbortSignal;
}

/**
 * Calls until it succeeds, fails for good, or the policy's time is over; pauses grow and vary, so that
 * many callers don't come back at once.
 *
 * @param call gets the number of the try, from 0
 */
export async function withRetry<T>(call: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy, signal } = options;
  const { total, steady = 0.5 } = policy;
  let failingSince: number | undefined;
  for (let attempt = 0; ; attempt++) {
    await options.before?.();
    try {
      return await call(attempt);
    } catch (error) {
      const now = performance.now();
      failingSince ??= now;
      const left = failingSince + (typeof total === "number" ? total : total(error)) - now;
      if (signal.aborted || left <= 0 || !options.passes(error)) throw error;
      const full = Math.min(policy.firstPause * 2 ** attempt, policy.longestPause);
      // The last try comes at the very end.
      const pause = Math.min(full * (steady + Math.random() * (1 - steady)), left);
      options.onRetry?.(error, pause);
      await sleep(pause, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
