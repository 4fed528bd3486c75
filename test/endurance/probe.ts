/** A plugin that looks at its own process from within: what is alive on the heap, and who listens to the run's end. */
import { heapStats } from "bun:jsc";
import { appendFileSync } from "node:fs";
import { getEventListeners } from "node:events";
import type { Plugin } from "nimo-shake";

/** How often, in ms: a look walks the heap, and so not too often. */
const EVERY = 30_000;
/** Objects whose number tells of timers, sockets and listeners that stay. */
const KINDS = [
  "Timeout",
  "Immediate",
  "AbortSignal",
  "AbortController",
  "Promise",
  "Function",
  "Map",
] as const;

/** One look, a line of JSON. */
export type Inside = { at: number; listeners: number; objects: number; heapBytes: number } & Record<
  (typeof KINDS)[number],
  number
>;

const probe: Plugin = {
  name: "probe",
  keepsKeys: true,
  setup(ctx) {
    const file = process.env["NIMO_PROBE"];
    if (file === undefined) throw new Error("NIMO_PROBE names the file to write to");
    const timer = setInterval(() => {
      // What is garbage already is counted else, and there is now more of it, now less.
      Bun.gc(true);
      const { objectTypeCounts, objectCount, heapSize } = heapStats();
      const kinds = Object.fromEntries(KINDS.map((kind) => [kind, objectTypeCounts[kind] ?? 0]));
      const listeners = getEventListeners(ctx.signal, "abort").length;
      const inside = { at: Date.now(), listeners, objects: objectCount, heapBytes: heapSize, ...kinds };
      appendFileSync(file, `${JSON.stringify(inside)}\n`);
    }, EVERY);
    timer.unref();
    ctx.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  },
};
export default probe;
