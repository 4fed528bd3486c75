/** Keeps the process small: what a run holds is bounded, but the runtime collects what was freed only when its heap has doubled. */

const MIB = 1024 * 1024;
/** From this size on a run is asked to. */
const LARGE = 350 * MIB;
/** A comparison holds no writes: it is as fast within less. */
export const LARGE_VERIFY: number = 200 * MIB;
/** How often that is looked at, in ms. */
const LOOK = 250;
/** And asked for at most, in ms: a collection takes some 20 ms. */
const PAUSE = 1000;
/** One that takes long, with many objects, is not asked for again before so many times as long. */
const SHARE = 10;
/** What is held stays, however often it is asked: there has to be so much more than after the last time. */
const MORE = 16 * MIB;

/**
 * Watches until it is called. Other runtimes than Bun collect as they like.
 *
 * @param large from how many bytes on the runtime is asked to collect
 */
export function watchMemory(large: number = LARGE): () => void {
  if (typeof Bun === "undefined") return () => {};
  let next = -Infinity;
  let left = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    if (now < next || process.memoryUsage.rss() < Math.max(large, left + MORE)) return;
    // Asked without waiting for it, the runtime takes its time: 530 MB instead of 450 with 200 segments of large items.
    Bun.gc(true);
    const took = performance.now() - now;
    next = now + Math.max(PAUSE, SHARE * took);
    left = process.memoryUsage.rss();
  }, LOOK);
  timer.unref();
  return () => clearInterval(timer);
}
