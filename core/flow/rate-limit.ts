/** How fast: so many calls a second, shared fairly, and so much cost a second. */
import { createQueue } from "./queue.ts";

/** Unused time saved up for a burst of calls, in ms: timers are no finer than this at high rates. */
const BURST = 20;
const SECOND = 1000;

/** Waits until the next call may be made; callers with different keys take turns. */
export type RateLimiter = (signal?: AbortSignal, key?: string) => Promise<void>;

/**
 * Spreads calls evenly so that no second sees more than so many, whoever makes them. Keys take turns, and
 * within a key who waits longest goes first. Who gives up waiting takes no turn.
 *
 * @param perSecond calls per second, over all callers
 */
export function createRateLimiter(perSecond: number): RateLimiter {
  const gap = SECOND / perSecond;
  let timer: NodeJS.Timeout | undefined;
  let next = 0;
  const queue = createQueue(() => {
    // While the timer runs nobody is due.
    if (timer === undefined || queue.first === undefined) letIn();
  });

  function letIn(): void {
    clearTimeout(timer);
    const now = performance.now();
    next = Math.max(next, now - BURST);
    for (; queue.first !== undefined && next <= now; next += gap) queue.letIn();
    timer = queue.first && setTimeout(letIn, next - now);
  }

  return (signal, key = "") => queue.wait(signal, { key });
}

/** So much cost a second, where a call's cost is known only after it. */
export interface Budget {
  /**
   * Waits until so much may be spent and takes it.
   *
   * @returns to be called with what it has cost in truth
   */
  take(cost: number, signal?: AbortSignal): Promise<(actual: number) => void>;
}

/**
 * A budget that in the long run is never overspent, with one second's worth saved up at most. A cost beyond
 * that is let through when the budget is full and paid back before the next one. First come, first served.
 *
 * @param perSecond what may be spent per second
 */
export function createBudget(perSecond: number): Budget {
  let timer: NodeJS.Timeout | undefined;
  let left = perSecond;
  let countedAt = performance.now();
  const queue = createQueue(letIn);

  function letIn(): void {
    clearTimeout(timer);
    const now = performance.now();
    left = Math.min(perSecond, left + ((now - countedAt) / SECOND) * perSecond);
    countedAt = now;
    for (let { first } = queue; first !== undefined; { first } = queue) {
      const missing = Math.min(first.cost, perSecond) - left;
      if (missing > 0) {
        // A debt may be longer than a timer can wait.
        timer = setTimeout(letIn, Math.min((missing / perSecond) * SECOND, 60 * SECOND));
        return;
      }
      left -= first.cost;
      queue.letIn();
    }
  }

  return {
    async take(cost, signal) {
      await queue.wait(signal, { cost });
      return (actual) => {
        left += cost - actual;
        letIn();
      };
    },
  };
}
