/** Bounded concurrency: how many of one thing run at once. */

/** How many at once; where it may change while they run, asked each time. */
export type Width = number | (() => number);

/** A number of lanes; who waits longest goes first. */
export interface Semaphore {
  /** Waits for a free lane and takes it; what is returned frees it. */
  acquire(): Promise<() => void>;
  /** Runs in a lane and gives the result. */
  run<T>(work: () => Promise<T> | T): Promise<T>;
  /** See {@link FairSemaphore.resized}. */
  resized(): void;
}

/** Lanes that several keys share. */
export interface FairSemaphore {
  /** Waits for a free lane and takes it; what is returned frees it, and is to be called once. */
  acquire(key: string): Promise<() => void>;
  /** Runs in a lane and gives the result. */
  run<T>(key: string, work: () => Promise<T> | T): Promise<T>;
  /**
   * There are more lanes now, or fewer: those who wait for the new ones are let in. Those that are too many go as they
   * are left.
   */
  resized(): void;
}

/** Lanes for `width` at once. */
export function createSemaphore(width: Width): Semaphore {
  const lanes = createFairSemaphore(width);
  return { acquire: () => lanes.acquire(""), run: (work) => lanes.run("", work), resized: lanes.resized };
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
export function createFairSemaphore(width: Width): FairSemaphore {
  let taken = 0;
  let arrivals = 0;
  const sharers = new Map<string, Sharer>();

  const isFree = (): boolean => taken < (typeof width === "number" ? width : width());

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
    const entered = new Promise<void>((enter) => sharer.queue.push({ arrival: arrivals++, enter }));
    letIn();
    await entered;
    return () => {
      taken--;
      sharer.lanes--;
      if (sharer.lanes === 0 && sharer.queue.length === 0) sharers.delete(key);
      letIn();
    };
  }

  /** Hands the lanes that are free to who is next. */
  function letIn(): void {
    while (isFree()) {
      const next = nextSharer();
      if (next === undefined) return;
      taken++;
      next.lanes++;
      next.queue.shift()!.enter();
    }
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
    resized: letIn,
  };
}

/** Both wait. */
function isBefore(one: Sharer, other: Sharer): boolean {
  return one.lanes === other.lanes
    ? one.queue[0]!.arrival < other.queue[0]!.arrival
    : one.lanes < other.lanes;
}
