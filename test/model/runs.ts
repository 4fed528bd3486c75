/** How often a model is tried, and from which seed. */

/** Of the cases that CI tries: what nobody has changed doesn't fail there by luck. */
const CI_SEED = 1;
/** Times a model's usual number, of other cases each time: `NIMO_TEST_RUNS=100`. */
const LONGER = process.env["NIMO_TEST_RUNS"];
/** The same cases again: `NIMO_TEST_SEED`, as a failure names it. */
const SEED = process.env["NIMO_TEST_SEED"] ?? (LONGER === undefined ? CI_SEED : undefined);

/** So often, or as many times that as is asked for. */
export function runs(usual: number): { numRuns: number; seed?: number } {
  return {
    numRuns: Math.round(usual * Number(LONGER ?? 1)),
    ...(SEED !== undefined && { seed: Number(SEED) }),
  };
}
