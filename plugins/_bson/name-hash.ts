/** A field's name as a number (FNV-1a, all of its bytes), by which others are told from it. */
import { randomBytes } from "node:crypto";

/** Another one in each process: whoever writes the source's items can't choose names that all have the same hash. */
export const FIRST_HASH: number = randomBytes(4).readInt32LE();
const PRIME = 0x01000193;

/** The hash with one more byte. */
export function nextHash(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, PRIME);
}

/** The hash of a name that is there as a whole. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = FIRST_HASH;
  for (let at = start; at < end; at++) hash = nextHash(hash, bytes[at]!);
  return hash;
}
