/** Bounded concurrency: how many of one thing run at once. */

/** A number of lanes; who waits longest goes first. */
export interface Semaphore {
  /** Waits for a free lane and takes it; what is returned frees it. */
  acquire(): Promise<() => void>;
  /** Runs in a lane and gives the result. */
  run<T>(work: () => Promise<T> | T): Promise<T>;
}

/** Lanes that several keys share. */
export interface FairSemaphore {
  /** Waits for a free lane and takes it; what is returned frees it, and is to be called once. */
  acquire(key: string): Promise<() => void>;
  /** Runs in a lane and gives the result. */
  run<T>(key: string, work: () => Promise<T> | T): Promise<T>;
}

/** Lanes for `width` at once. */
export function createSemaphore(width: number): Semaphore {
  const lanes = createFairSemaphore(width);
  return { acquire: () => lanes.acquire(""), run: (work) => lanes.run("", work) };
}

/**
 * Lanes for `width` at once. A free lane goes to the key that has the fewest, so that one with much to do
 * doesn't starve the others; among equals, and within a key, to who waits longest.
 */
export function createFairSemaphore(width: number): FairSemaphore {
  let free = width;
  let arrivals = 0;
  const taken = new Map<string, number>();
  const queues = new Map<string, { arrival: number; go: () => void }[]>();

  /** The key that is let in next; undefined: nobody waits. */
  function nextKey(): string | undefined {
    let best: { key: string; lanes: number; arrival: number } | undefined;
    for (const [key, [first]] of queues) {
      const lanes = taken.get(key) ?? 0;
      const { arrival } = first!;
      const before = best === undefined || lanes < best.lanes;
      if (before || (lanes === best!.lanes && arrival < best!.arrival)) best = { key, lanes, arrival };
    }
    return best?.key;
  }

  function take(key: string): void {
    taken.set(key, (taken.get(key) ?? 0) + 1);
  }

  function leave(key: string): void {
    const lanes = taken.get(key)! - 1;
    if (lanes > 0) taken.set(key, lanes);
    else taken.delete(key);
    const next = nextKey();
    if (next === undefined) {
      free++;
      return;
    }
    const queue = queues.get(next)!;
    const { go } = queue.shift()!;
    if (queue.length === 0) queues.delete(next);
    take(next);
    go();
  }

  async function acquire(key: string): Promise<() => void> {
    if (free > 0) {
      free--;
      take(key);
    } else {
      await new Promise<void>((go) => {
        const queue = queues.get(key) ?? [];
        queue.push({ arrival: arrivals++, go });
        queues.set(key, queue);
      });
    }
    return () => leave(key);
  }

  return {
    acquire,
    async run(key, work) {
      const leave = await acquire(key);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
