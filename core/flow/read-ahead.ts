/** Asking for the next page while this one is worked on, and how many ask at once. */
import { setImmediate } from "node:timers/promises";
import type { FairSemaphore } from "./semaphore.ts";

/**
 * Asks for the next value while the current one is worked on, so that a source and what follows it
 * work at the same time. Holds one value more than the consumer does.
 *
 * A value is handed on when the request for the next one has left, which takes promise jobs only: work that keeps the thread busy
 * would hold it up.
 */
export async function* readAhead<T>(values: AsyncIterable<T>): AsyncGenerator<T, void> {
  const iterator = values[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<T>> => {
    const asked = iterator.next();
    // A failure is thrown when its turn comes; until then it isn't unhandled.
    asked.catch(() => {});
    return asked;
  };
  let next = ask();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done) return;
      next = ask();
      yield afterJobs(value);
    }
  } finally {
    await next.catch(() => {});
    await iterator.return?.();
  }
}

/** A function of its own keeps no value once it has returned; the generator's would until the next one has come. */
async function afterJobs<T>(value: T): Promise<T> {
  await setImmediate();
  return value;
}

/** Takes a lane for each step of a source's reader, so that those who read share them fairly. */
export async function* inLanes<T>(
  source: AsyncIterable<T>,
  lanes: FairSemaphore,
  key: string,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await lanes.run(key, () => iterator.next());
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
