/** How fast: so many calls a second, shared fairly, and so much cost a second. */
import { createQueue } from "./queue.ts";

/** Unused time saved up for a burst of calls, in ms: timers are no finer than this at high rates. */
const BURST = 20;
const SECOND = 1000;
/** At high rates so many calls are let in together, in ms: each waking costs. */
const TOGETHER = BURST / 2;
/** Who waits looks so often whether the rate is another one now, in ms. */
const LOOK = 200;

/** So much a second; where it may change meanwhile, asked each time. */
export type Rate = number | (() => number);

const now = (rate: Rate): number => (typeof rate === "number" ? rate : rate());

/** Waits until the next call may be made; callers with different keys take turns. */
export type RateLimiter = (signal?: AbortSignal, key?: string) => Promise<void>;

/**
 * Spreads calls evenly so that no second sees more than so many, whoever makes them. Keys take turns, and
 * within a key who waits longest goes first. Who gives up waiting takes no turn.
 *
 * @param perSecond calls per second, over all callers
 */
export function createRateLimiter(perSecond: Rate): RateLimiter {
  let timer: NodeJS.Timeout | undefined;
  /** When the last call was due. */
  let last = Number.NEGATIVE_INFINITY;
  const queue = createQueue(() => {
    // While the timer runs nobody is due.
    if (timer === undefined || queue.first === undefined) letIn();
  });

  function letIn(): void {
    clearTimeout(timer);
    const gap = SECOND / now(perSecond);
    const time = performance.now();
    last = Math.max(last, time - BURST - gap);
    for (; queue.first !== undefined && last + gap <= time; last += gap) queue.letIn();
    timer = queue.first && setTimeout(letIn, Math.min(Math.max(last + gap - time, TOGETHER), LOOK));
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
 * @param perSecond what may be spent per second; Infinity: there is no limit
 */
export function createBudget(perSecond: Rate): Budget {
  let timer: NodeJS.Timeout | undefined;
  let left = now(perSecond);
  let countedAt = performance.now();
  const queue = createQueue(letIn);

  function letIn(): void {
    clearTimeout(timer);
    const rate = now(perSecond);
    const time = performance.now();
    const earned = time > countedAt ? ((time - countedAt) / SECOND) * rate : 0;
    left = Math.min(rate, left + earned);
    countedAt = time;
    for (let { first } = queue; first !== undefined; { first } = queue) {
      const missing = Math.min(first.cost, rate) - left;
      if (missing > 0) {
        timer = setTimeout(letIn, Math.min((missing / rate) * SECOND, LOOK));
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
