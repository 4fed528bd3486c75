/**
 * Entries of digest logs by key, in memory: their bytes behind one another and a hash table of numbers, a fraction of what
 * strings and objects would take.
 */
import { DIGEST_BYTES } from "./digest-log.ts";
import { keyHash } from "./key-hash.ts";

/** See the top of the file. Entries have numbers from 0 on, in the order in which they came. */
export interface DigestTable {
  readonly count: number;
  /**
   * The entry of a key; a key that isn't there yet gets one, with its digest.
   *
   * @param key where it begins in `bytes`
   * @param digest where it ends, and its digest begins
   */
  entry(bytes: Uint8Array, key: number, digest: number): number;
  hasDigest(entry: number, bytes: Uint8Array, digest: number): boolean;
  setDigest(entry: number, bytes: Uint8Array, digest: number): void;
  /** What was noted of an entry; first 0. */
  mark(entry: number): number;
  setMark(entry: number, mark: number): void;
  /** A copy of its key. */
  key(entry: number): Buffer;
}

const FIRST_ENTRIES = 1024;
const FIRST_BYTES = 64 * 1024;
/** Of the hashes; no part that logs are split into is made with it. */
export const SEED = 0x5eed;

/** Makes an empty one. */
export function createDigestTable(): DigestTable {
  let count = 0;
  /** Each entry's key, and its digest behind it. */
  let data = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Where each begins; one more for the end. */
  let starts = new Uint32Array(FIRST_ENTRIES + 1);
  let hashes = new Uint32Array(FIRST_ENTRIES);
  let marks = new Uint8Array(FIRST_ENTRIES);
  /** By hash the numbers, from 1 on; twice as many as there can be. */
  let slots = new Uint32Array(2 * FIRST_ENTRIES);

  function grow(): void {
    const size = 2 * marks.length;
    starts = grown(starts, new Uint32Array(size + 1));
    hashes = grown(hashes, new Uint32Array(size));
    marks = grown(marks, new Uint8Array(size));
    slots = new Uint32Array(2 * size);
    for (let entry = 0; entry < count; entry++) {
      let slot = hashes[entry]! & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = entry + 1;
    }
  }

  function isKey(entry: number, bytes: Uint8Array, key: number, end: number): boolean {
    const start = starts[entry]!;
    if (starts[entry + 1]! - DIGEST_BYTES - start !== end - key) return false;
    for (let i = start, at = key; at < end; i++, at++) if (data[i] !== bytes[at]) return false;
    return true;
  }

  function append(bytes: Uint8Array, key: number, end: number): void {
    let at = starts[count]!;
    if (at + end - key > data.length) {
      data = grown(data, Buffer.allocUnsafeSlow(Math.max(2 * data.length, at + end - key)));
    }
    for (let i = key; i < end; i++) data[at++] = bytes[i]!;
    starts[++count] = at;
  }

  return {
    get count() {
      return count;
    },
    entry(bytes, key, digest) {
      if (count === marks.length) grow();
      const hash = keyHash(bytes, key, digest, SEED);
      let slot = hash & (slots.length - 1);
      for (let at = slots[slot]!; at !== 0; at = slots[slot]!) {
        if (hashes[at - 1] === hash && isKey(at - 1, bytes, key, digest)) return at - 1;
        slot = (slot + 1) & (slots.length - 1);
      }
      hashes[count] = hash;
      append(bytes, key, digest + DIGEST_BYTES);
      slots[slot] = count;
      return count - 1;
    },
    hasDigest(entry, bytes, digest) {
      const at = starts[entry + 1]! - DIGEST_BYTES;
      for (let i = 0; i < DIGEST_BYTES; i++) if (data[at + i] !== bytes[digest + i]) return false;
      return true;
    },
    setDigest(entry, bytes, digest) {
      const at = starts[entry + 1]! - DIGEST_BYTES;
      for (let i = 0; i < DIGEST_BYTES; i++) data[at + i] = bytes[digest + i]!;
    },
    mark: (entry) => marks[entry]!,
    setMark(entry, mark) {
      marks[entry] = mark;
    },
    key: (entry) => Buffer.from(data.subarray(starts[entry]!, starts[entry + 1]! - DIGEST_BYTES)),
  };
}

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
