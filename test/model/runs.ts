/** How often a model is tried. */

/** Times this file's usual number, for a longer look than CI's: `NIMO_TEST_RUNS=100`. */
const TIMES = Number(process.env["NIMO_TEST_RUNS"] ?? 1);

/** So often, or as many times that as is asked for; by a seed, the same cases again: `NIMO_TEST_SEED`. */
export function runs(usual: number): { numRuns: number; seed?: number } {
  const seed = process.env["NIMO_TEST_SEED"];
  return { numRuns: Math.round(usual * TIMES), ...(seed !== undefined && { seed: Number(seed) }) };
}
