/** How late timers fire: what else the main thread was busy with. */

const INTERVAL = 50;

/** Milliseconds by which timers were late. */
export interface LoopDelay {
  mean: number;
  max: number;
  /** How often it was looked. */
  samples: number;
}

/** A watch that goes on until it is stopped. */
export interface LoopWatch {
  /** What was seen since it was asked the last time. */
  read(): LoopDelay;
  stop(): void;
}

/** Watches the event loop; keeps no process alive. Own code: monitorEventLoopDelay differs from runtime to runtime. */
export function watchLoop(): LoopWatch {
  let last = performance.now();
  let [sum, max, samples] = [0, 0, 0];
  const timer = setInterval(() => {
    const now = performance.now();
    const late = Math.max(0, now - last - INTERVAL);
    last = now;
    sum += late;
    max = Math.max(max, late);
    samples++;
  }, INTERVAL);
  timer.unref();
  return {
    read() {
      const seen = { mean: samples > 0 ? round(sum / samples) : 0, max: round(max), samples };
      [sum, max, samples] = [0, 0, 0];
      return seen;
    },
    stop: () => clearInterval(timer),
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
