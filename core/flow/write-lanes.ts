/** How many writes are on their way at once: as many as are configured, or as many as the way to the target takes. */
import { createSemaphore } from "./semaphore.ts";

/** With `auto`: so many keep a target busy that is near. */
const FEWEST = 4;
/** With `auto`: no more, however far the target is. */
const MOST = 32;
/** A target that takes so many times longer than at its fastest has work waiting: more at once would wait too. */
const WAITING = 2;

/** Of how many lanes a configured width may become. */
export function mostLanes(width: number | "auto"): number {
  return width === "auto" ? MOST : width;
}

/** Lanes for writes; who waits longest goes first. */
export interface WriteLanes {
  /** Waits for a free lane and takes it; what is returned frees it, when the write is acknowledged. */
  acquire(): Promise<() => void>;
  /** The configured width is another one: those who wait are let in. */
  resized(): void;
}

/**
 * Makes them. With `auto` there is a lane more each time that all were taken and an answer took hardly longer than the fastest
 * one has: then it is the distance that takes the time, and not the work.
 *
 * @param width asked each time
 * @param clock in ms
 */
export function createWriteLanes(
  width: () => number | "auto",
  clock: () => number = () => performance.now(),
): WriteLanes {
  let auto = FEWEST;
  let fastest = Number.POSITIVE_INFINITY;
  let taken = 0;
  const lanes = (): number => {
    const asked = width();
    return asked === "auto" ? auto : asked;
  };
  const semaphore = createSemaphore(lanes);

  return {
    async acquire() {
      const leave = await semaphore.acquire();
      taken++;
      const wasLast = taken >= lanes();
      const from = clock();
      return () => {
        const ms = clock() - from;
        fastest = Math.min(fastest, ms);
        if (wasLast && ms < WAITING * fastest && auto < MOST) auto++;
        taken--;
        leave();
      };
    },
    resized: semaphore.resized,
  };
}
