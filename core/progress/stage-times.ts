/** Where the time of a table's segments and shards goes: waiting for the source, converting, waiting for the target. */

/** Milliseconds, added up over segments or shards: they work side by side, so a second of the clock can be several here. */
export interface StageTimes {
  /** Waiting for pages. */
  fetchMs: number;
  /** In hooks and conversion, and before their turn at it: there is one thread. */
  convertMs: number;
  /** Waiting for the target, for a free lane or for its answers. */
  writeMs: number;
}

/** Of whom the times are counted. */
export interface Timed {
  times?: StageTimes;
}

/** Begins counting, unless it is begun. */
export function stageTimes(of: Timed): StageTimes {
  return (of.times ??= { fetchMs: 0, convertMs: 0, writeMs: 0 });
}

/**
 * A clock for one that does one thing after the other: each call counts the time since the one before.
 *
 * @returns to be called when something is done, with the stage that it was of
 */
export function startLaps(of: Timed): (stage: keyof StageTimes) => void {
  const times = stageTimes(of);
  let at = performance.now();
  return (stage) => {
    const now = performance.now();
    times[stage] += now - at;
    at = now;
  };
}

/** Counts the time that something takes, whatever becomes of it. */
export async function inStageTime<T>(of: Timed, stage: keyof StageTimes, work: () => Promise<T>): Promise<T> {
  const times = stageTimes(of);
  const begun = performance.now();
  try {
    return await work();
  } finally {
    times[stage] += performance.now() - begun;
  }
}
