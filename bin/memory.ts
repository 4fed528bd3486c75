/** Keeps the process small: what a run holds is bounded, but the runtime collects what was freed only when its heap has doubled. */

const MIB = 1024 * 1024;
/** From this size on it is asked to. */
const LARGE = 350 * MIB;
/** How often that is looked at, in ms. */
const LOOK = 250;
/** And asked for at most, in ms: a collection takes some 20 ms. */
const PAUSE = 1000;
/** What is held stays, however often it is asked: there has to be so much more than after the last time. */
const MORE = 16 * MIB;

/** Watches until it is called. Other runtimes than Bun collect as they like. */
export function watchMemory(): () => void {
  if (typeof Bun === "undefined") return () => {};
  let asked = -Infinity;
  let left = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - asked < PAUSE || process.memoryUsage.rss() < Math.max(LARGE, left + MORE)) return;
    asked = now;
    // Asked without waiting for it, the runtime takes its time: 530 MB instead of 450 with 200 segments of large items.
    Bun.gc(true);
    left = process.memoryUsage.rss();
  }, LOOK);
  timer.unref();
  return () => clearInterval(timer);
}
