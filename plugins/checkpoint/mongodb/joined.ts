/** One call for all who wait for the same answer. */

/**
 * Who asks before a call has begun waits for that one together with the others. One that is on its way answers what was
 * before it: who asks then gets the next one's answer.
 */
export function joined<T>(call: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;

  async function begin(): Promise<T> {
    await last;
    next = undefined;
    const answer = call();
    last = answer.catch(() => {});
    return answer;
  }

  return () => (next ??= begin());
}
