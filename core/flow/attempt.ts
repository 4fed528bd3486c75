/** Steps of which each may refuse what is asked: the first refusal ends it all, or every one of them is heard. */

/** Does a step; undefined: it has refused, and that was heard. About: the names of the tables that a refusal concerns, no others. */
export type Attempt = <T>(
  step: () => T | PromiseLike<T>,
  about?: readonly string[],
) => Promise<T | undefined>;

/** What a step throws is thrown. */
export const orThrow: Attempt = async (step) => step();

/** What a step throws is told, and the next step is done. */
export function hearing(onRefusal: (thrown: unknown) => void): Attempt {
  return async (step) => {
    try {
      return await step();
    } catch (thrown) {
      onRefusal(thrown);
      return undefined;
    }
  };
}
