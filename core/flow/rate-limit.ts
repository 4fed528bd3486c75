/** How fast: so many calls a second, shared fairly, and so much cost a second. */

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
  /** Who waits, by key; the key whose turn it is comes first. */
  const queues = new Map<string, Set<() => void>>();
  let timer: NodeJS.Timeout | undefined;
  let next = 0;

  function letIn(): void {
    clearTimeout(timer);
    timer = undefined;
    const now = performance.now();
    next = Math.max(next, now - BURST);
    for (; queues.size > 0 && next <= now; next += gap) turn();
    if (queues.size > 0) timer = setTimeout(letIn, next - now);
  }

  function turn(): void {
    const [key, queue] = queues.entries().next().value!;
    const [go] = queue;
    queue.delete(go!);
    queues.delete(key);
    if (queue.size > 0) queues.set(key, queue);
    go!();
  }

  return (signal, key = "") =>
    waiting(signal, (go) => {
      const queue = queues.get(key) ?? new Set();
      queues.set(key, queue.add(go));
      // While the timer runs nobody is due.
      if (timer === undefined) letIn();
      return () => {
        queue.delete(go);
        if (queue.size === 0) queues.delete(key);
        if (queues.size === 0) letIn();
      };
    });
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
  const queue = new Map<() => void, number>();
  let timer: NodeJS.Timeout | undefined;
  let left = perSecond;
  let countedAt = performance.now();

  function letIn(): void {
    clearTimeout(timer);
    const now = performance.now();
    left = Math.min(perSecond, left + ((now - countedAt) / SECOND) * perSecond);
    countedAt = now;
    for (const [go, cost] of queue) {
      const missing = Math.min(cost, perSecond) - left;
      if (missing > 0) {
        // A debt may be longer than a timer can wait.
        timer = setTimeout(letIn, Math.min((missing / perSecond) * SECOND, 60 * SECOND));
        return;
      }
      queue.delete(go);
      left -= cost;
      go();
    }
  }

  return {
    async take(cost, signal) {
      await waiting(signal, (go) => {
        queue.set(go, cost);
        letIn();
        return () => {
          queue.delete(go);
          letIn();
        };
      });
      return (actual) => {
        left += cost - actual;
        letIn();
      };
    },
  };
}

/** Waits in a queue until let go; an abort leaves it, and its reason is thrown. */
function waiting(signal: AbortSignal | undefined, enter: (go: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    let leave = (): void => {};
    const giveUp = (): void => {
      leave();
      reject(signal!.reason as Error);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    leave = enter(() => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    });
  });
}
