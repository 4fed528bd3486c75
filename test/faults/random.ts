/** Draws that are the same for the same seed, whatever time does to what is played between them. */

const WORD = 2 ** 32;

/** A source of draws. */
export interface Random {
  /** A whole number from 0, below a limit. */
  below(limit: number): number;
  /** A whole number, both ends included. */
  between(from: number, to: number): number;
  /** True that often, of 1. */
  chance(share: number): boolean;
  /** One of a list that has some. */
  pick<T>(list: readonly T[]): T;
  /** All of a list in another order. */
  shuffled<T>(list: readonly T[]): T[];
}

/**
 * The draws of one concern of a schedule. Every concern has a sequence of its own, so that one more draw here changes
 * nothing there.
 *
 * @param concern such as `writer/1`
 */
export function createRandom(seed: number, concern: string): Random {
  let state = hashOf(`${seed} ${concern}`);
  /** mulberry32: a word of state, equally spread, and passes what is asked of it here. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = state;
    word = Math.imul(word ^ (word >>> 15), word | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  }
  const below = (limit: number): number => Math.floor((next() / WORD) * limit);
  return {
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (share) => next() / WORD < share,
    pick: (list) => list[below(list.length)]!,
    shuffled(list) {
      const left = [...list];
      return list.map(() => left.splice(below(left.length), 1)[0]!);
    },
  };
}

/** FNV-1a, by code units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
