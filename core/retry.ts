import { setTimeout as sleep } from "node:timers/promises";

const SECOND = 1000;

/** How long to go on with a failing call, in ms. */
export interface RetryPolicy {
  /** Pause before the second try; each further pause is twice as long. */
  firstPause: number;
  longestPause: number;
  /** From the first failure on, until giving up. */
  total: number;
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
  let giveUpAt: number | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      return await call(attempt);
    } catch (error) {
      giveUpAt ??= performance.now() + policy.total;
      const full = Math.min(policy.firstPause * 2 ** attempt, policy.longestPause);
      const pause = full * (0.5 + Math.random() / 2);
      const over = signal.aborted || performance.now() + pause > giveUpAt;
      if (over || !options.passes(error)) throw error;
      options.onRetry?.(error, pause);
      await sleep(pause, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
