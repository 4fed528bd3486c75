/** A list worked on by so many at once. */

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
