/** Room in memory for the pages of a unit, one after the other: as much as the last one lets expect of the next. */
import { type Held, PAGE_BYTES, type UnitMemory } from "./memory-budget.ts";

/** The next page may have so many bytes, however few the last one had. */
const LITTLE = 64 * 1024;

/** See the top of the file. */
export interface PageRoom {
  /** Waits for room before the next page is asked for; one that has it already waits for nothing. Throws the signal's reason. */
  reserve(signal: AbortSignal): Promise<void>;
  /** What the page that has come takes, in bytes as they were received; nobody need have asked for room. */
  take(bytes: number): Held;
  /** Gives back what was reserved and not taken. */
  giveBack(): void;
}

/**
 * A unit's.
 *
 * @param weight so many times its bytes the next page takes
 */
export function createPageRoom(memory: UnitMemory, weight: () => number): PageRoom {
  let reserved: Held | undefined;
  /** Bytes of the next page; of the first nobody knows. Small ones reserve little, so that others find room. */
  let expected = PAGE_BYTES;

  return {
    async reserve(signal) {
      reserved ??= await memory.reserve(expected * weight(), signal);
    },
    take(bytes) {
      const held = reserved ?? memory.hold(0);
      reserved = undefined;
      expected = Math.min(Math.max(PAGE_BYTES, bytes), Math.max(LITTLE, 2 * bytes));
      held.resize(bytes * weight());
      return held;
    },
    giveBack() {
      reserved?.release();
      reserved = undefined;
    },
  };
}
