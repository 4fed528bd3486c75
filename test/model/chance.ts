/** Chance that is the same again for the same seed. */

/** See the top of the file. */
export interface Chance {
  /** A whole number below this one. */
  below(most: number): number;
  /** Happens in so many of a hundred cases. */
  percent(share: number): boolean;
  /** One of these. */
  one<T>(of: readonly T[]): T;
}

/** Makes it (mulberry32). */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (most: number): number => Math.floor(next() * most);
  return { below, percent: (share) => below(100) < share, one: (of) => of[below(of.length)]! };
}
