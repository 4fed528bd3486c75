/** A list worked on by so many at once. */
import pMap from "p-map";

/**
 * Maps with at most `width` at once, results in the order of the inputs. After the first failure
 * nothing new is started, what runs is awaited, and that failure is thrown.
 */
export async function inParallel<In, Out>(
  inputs: Iterable<In>,
  width: number,
  work: (input: In) => Promise<Out>,
): Promise<Out[]> {
  const started: Promise<Out>[] = [];
  const start = (input: In): Promise<Out> => {
    const running = work(input);
    started.push(running);
    return running;
  };
  try {
    return (await pMap([...inputs], start, { concurrency: width })) as Out[];
  } catch (error) {
    // p-map throws at once, while others still run.
    await Promise.allSettled(started);
    throw error;
  }
}

/** The results of work that has settled; the first failure, in their order, is thrown. */
export function valuesOf<Values extends readonly unknown[]>(ends: {
  [At in keyof Values]: PromiseSettledResult<Values[At]>;
}): Values {
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return ends.map((end) => (end as PromiseFulfilledResult<unknown>).value) as unknown as Values;
}
