import { setTimeout as sleep } from "node:timers/promises";

/** Unused time saved up for a burst, in ms: timers are no finer than this at high rates. */
const BURST = 20;
const SECOND = 1000;

/** Waits until the next call may be made. */
export type Limiter = (signal?: AbortSignal) => Promise<void>;

/**
 * Spreads calls evenly so that no second sees more than so many, whoever makes them.
 *
 * @param perSecond calls per second, over all callers
 */
export function createLimiter(perSecond: number): Limiter {
  const gap = SECOND / perSecond;
  let next = 0;
  return async (signal) => {
    const now = performance.now();
    next = Math.max(next, now - BURST);
    const wait = next - now;
    next += gap;
    if (wait > 0) await sleep(wait, undefined, signal && { signal });
  };
}
