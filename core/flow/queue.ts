/** Who waits for something that is given out bit by bit. */

/** Keys take turns, and within a key who waits longest goes first. */
export interface Queue {
  /** Whose turn it is, and what it wants; undefined: nobody waits. */
  readonly first: { cost: number } | undefined;
  /** Lets the first one in. */
  letIn(): void;
  /** Waits to be let in; an abort leaves the queue, and its reason is thrown. */
  wait(signal: AbortSignal | undefined, turn: { key?: string; cost?: number }): Promise<void>;
}

interface Waiter {
  key: string;
  cost: number;
  enter: () => void;
}

/** @param onChange told when somebody has come or given up */
export function createQueue(onChange: () => void): Queue {
  /** The key whose turn it is comes first. */
  const keys = new Map<string, Set<Waiter>>();

  function first(): Waiter | undefined {
    return keys.values().next().value?.values().next().value;
  }

  function leave(waiter: Waiter): void {
    const waiters = keys.get(waiter.key);
    waiters?.delete(waiter);
    if (waiters?.size === 0) keys.delete(waiter.key);
  }

  return {
    get first() {
      return first();
    },
    letIn() {
      const waiter = first()!;
      const { key } = waiter;
      leave(waiter);
      const others = keys.get(key);
      keys.delete(key);
      if (others !== undefined) keys.set(key, others);
      waiter.enter();
    },
    async wait(signal, { key = "", cost = 0 }) {
      signal?.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { key, cost, enter: resolve };
      const giveUp = (): void => {
        leave(waiter);
        reject(signal!.reason as Error);
        onChange();
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      keys.set(key, (keys.get(key) ?? new Set()).add(waiter));
      onChange();
      try {
        await promise;
      } finally {
        signal?.removeEventListener("abort", giveUp);
      }
    },
  };
}
