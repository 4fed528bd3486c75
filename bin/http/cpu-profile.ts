/** A profile of this process's CPU time, by the runtime's own profiler. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Samples the main thread for so many ms and gives what a `.cpuprofile` file holds, sooner when the signal is
 * aborted. Keeps no process alive. Throws what the runtime says when it has no such profiler.
 */
export async function profileCpu(ms: number, signal: AbortSignal): Promise<object> {
  // Loaded when it is needed: a runtime can be built without it.
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
    const { profile } = await session.post("Profiler.stop");
    return profile;
  } finally {
    session.disconnect();
  }
}
