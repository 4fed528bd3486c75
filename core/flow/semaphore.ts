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

/** A key that has lanes or waits for some. */
interface Sharer {
  lanes: number;
  /** Who waits, in the order of arrival. */
  queue: { arrival: number; enter: () => void }[];
}

/**
 * Lanes for `width` at once. A free lane goes to the key that has the fewest, so that one with much to do
 * doesn't starve the others; among equals, and within a key, to who waits longest.
 */
export function createFairSemaphore(width: number): FairSemaphore {
  let free = width;
  let arrivals = 0;
  const sharers = new Map<string, Sharer>();

  /** Who is let in next; undefined: nobody waits. */
  function nextSharer(): Sharer | undefined {
    let best: Sharer | undefined;
    for (const each of sharers.values()) {
      if (each.queue.length > 0 && (best === undefined || isBefore(each, best))) best = each;
    }
    return best;
  }

  async function acquire(key: string): Promise<() => void> {
    const sharer = sharers.get(key) ?? { lanes: 0, queue: [] };
    sharers.set(key, sharer);
    if (free > 0) {
      free--;
      sharer.lanes++;
    } else {
      await new Promise<void>((enter) => sharer.queue.push({ arrival: arrivals++, enter }));
    }
    return () => {
      sharer.lanes--;
      if (sharer.lanes === 0 && sharer.queue.length === 0) sharers.delete(key);
      pass();
    };
  }

  /** Hands a lane that was left to who is next. */
  function pass(): void {
    const next = nextSharer();
    if (next === undefined) {
      free++;
      return;
    }
    next.lanes++;
    next.queue.shift()!.enter();
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

/** Both wait. */
function isBefore(one: Sharer, other: Sharer): boolean {
  return one.lanes === other.lanes
    ? one.queue[0]!.arrival < other.queue[0]!.arrival
    : one.lanes < other.lanes;
}
