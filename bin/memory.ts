/** Keeps the process small: what a run holds is bounded, but the runtime collects what was freed only when its heap has doubled. */
import type { Config } from "../core/config/config.ts";

const MIB = 1024 * 1024;
/** What the process takes beside what a run may hold, before it is asked to. */
const BESIDE = 64 * MIB;
/** A comparison holds no writes: it is as fast within less. */
const LARGE_VERIFY = 200 * MIB;
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
 * @param large from how many bytes on the runtime is asked to collect; read each time
 */
export function watchMemory(large: () => number): () => void {
  if (typeof Bun === "undefined") return () => {};
  let next = -Infinity;
  let left = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    if (now < next || process.memoryUsage.rss() < Math.max(large(), left + MORE)) return;
    // Asked without waiting for it, the runtime takes its time: 530 MB instead of 450 with 200 segments of large items.
    Bun.gc(true);
    const took = performance.now() - now;
    next = now + Math.max(PAUSE, SHARE * took);
    left = process.memoryUsage.rss();
  }, LOOK);
  timer.unref();
  return () => clearInterval(timer);
}

/** From which size on a run's process is asked to, in bytes. */
export function largeRun(config: Config): number {
  return config["memory.limit"] + BESIDE;
}

/** The same of a comparison's. */
export function largeVerify(config: Config): number {
  return Math.min(largeRun(config), LARGE_VERIFY);
}
