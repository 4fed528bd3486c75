/**
 * Blocks of memory that are used again and again: each fresh page of memory costs a fault and its zeroing, which for
 * documents that are sent and forgotten is a tenth of the whole work.
 */
import { freeBytes } from "../../core/flow/free-bytes.ts";

/** So many bytes of blocks that nobody uses are kept. */
const KEPT = 16 * 1024 * 1024;
/** One that is so many times as large as what is wanted is left for others. */
const TOO_LARGE = 4;

/** Memory that several may use. */
export interface Block {
  bytes: Buffer;
  /** One user less; may be called once by each. */
  release(): void;
  /** One user more; what is returned is its {@link Block.release}. */
  share(): () => void;
}

/** Of the process: who uses none, and of those used last first. */
const free: Buffer[] = [];
let kept = 0;

/** A block of at least so many bytes, whatever they are. */
export function takeBlock(size: number): Block {
  const fits = free.findLastIndex(({ length }) => length >= size && length <= size * TOO_LARGE);
  const [found] = fits < 0 ? [] : free.splice(fits, 1);
  if (found !== undefined) kept -= found.length;
  const bytes = found ?? Buffer.allocUnsafeSlow(size);
  let users = 1;

  function leave(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      users--;
      if (users === 0) keep(bytes);
    };
  }
  return {
    bytes,
    release: leave(),
    share() {
      users++;
      return leave();
    },
  };
}

/** Keeps it for the next one; the oldest ones go. */
function keep(bytes: Buffer): void {
  free.push(bytes);
  kept += bytes.length;
  while (kept > KEPT) {
    const oldest = free.shift()!;
    kept -= oldest.length;
    freeBytes(oldest);
  }
}
