/** Bounded concurrency: how many of one thing run at once. */

/** A number of lanes; who waits longest goes first. */
export interface Lanes {
  /** Waits for a free lane and takes it; what is returned frees it. */
  enter(): Promise<() => void>;
  /** Runs in a lane and gives the result. */
  run<T>(work: () => Promise<T> | T): Promise<T>;
}

/** Lanes for `width` at once. */
export function createLanes(width: number): Lanes {
  let free = width;
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  const enter = async (): Promise<() => void> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return leave;
  };
  return {
    enter,
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/**
 * Maps with at most `width` at once, results in the order of the inputs. After the first failure
 * nothing new is started, what runs is awaited, and that failure is thrown.
 */
export async function inParallel<In, Out>(
  inputs: Iterable<In>,
  width: number,
  work: (input: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  const entries = [...inputs].entries();
  let failure: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (const [i, input] of entries) {
      if (failure !== undefined) return;
      try {
        results[i] = await work(input);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failure !== undefined) throw failure.error;
  return results;
}
