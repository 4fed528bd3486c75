/**
 * Names of fields that were seen before, as numbers: the next one is nearly always what came next the last time, which a few words'
 * comparison tells. Each is kept as it stands in DynamoDB's JSON, up to its value's type.
 */
import type { BsonBuffer } from "./bson-buffer.ts";
import { BACKSLASH, QUOTE, SPACE } from "./json-bytes.ts";

/** So many names are known; number 0 is none. */
export const KNOWN = 1024;
/** Bytes of the longest one. */
export const LONGEST_NAME = 40;
/** Of 4 bytes; each name takes so many, with what stands behind it. */
export const WORDS: number = LONGEST_NAME / 4 + 1;
/** `":{"`: between a name and its value's type. */
export const BEHIND_NAME = 0x227b3a22;
/** Where a number is looked for; a power of two. */
const PLACES = 4 * KNOWN;
/** After so many names that found no place all are forgotten: those that were first may be long gone. */
const MISSES = 16 * KNOWN;

/** See the top of the file. One for the whole process. */
class KnownNames {
  /** Of each its bytes and {@link BEHIND_NAME}, the first byte lowest. */
  readonly words: Int32Array = new Int32Array(KNOWN * WORDS);
  /** Bytes of each; 0: there is none of that number. */
  readonly lengths: Uint8Array = new Uint8Array(KNOWN);
  readonly hashes: Int32Array = new Int32Array(KNOWN);
  /** Each is in the first free place from its own on. */
  readonly #places = new Int16Array(PLACES);
  #count = 1;
  #misses = 0;

  /** Between two items: numbers that were given may be others' then. */
  begin(): void {
    if (this.#misses < MISSES) return;
    this.lengths.fill(0);
    this.#places.fill(0);
    this.#count = 1;
    this.#misses = 0;
  }

  /** The number of the name that was written last, which is known from now on; 0: it has none, and gets none until the next item. */
  numberOf(hash: number, out: BsonBuffer): number {
    const start = out.typeAt + 1;
    const length = out.at - 1 - start;
    if (length > LONGEST_NAME) return 0;
    let place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    for (let id = this.#places[place]!; id !== 0; id = this.#places[place]!) {
      if (this.hashes[id] === hash && this.#is(id, out.bytes, start, length)) return id;
      place = (place + 1) & (PLACES - 1);
    }
    if (this.#count === KNOWN) {
      this.#misses++;
      return 0;
    }
    if (!isPlain(out.bytes, start, length)) return 0;
    const id = this.#count++;
    this.#places[place] = id;
    this.hashes[id] = hash;
    this.lengths[id] = length;
    const whole = new DataView(new ArrayBuffer(WORDS * 4));
    for (let i = 0; i < length; i++) whole.setUint8(i, out.bytes[start + i]!);
    whole.setInt32(length, BEHIND_NAME, true);
    for (let i = 0; i < WORDS; i++) this.words[id * WORDS + i] = whole.getInt32(i * 4, true);
    return id;
  }

  #is(id: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.lengths[id] !== length) return false;
    for (let i = 0; i < length; i++) {
      if (((this.words[id * WORDS + (i >> 2)]! >> ((i & 3) * 8)) & 0xff) !== bytes[start + i]) return false;
    }
    return true;
  }
}

/** Whether a name stands in JSON as it is, and nothing is to be done about it: `_id` may be renamed. */
function isPlain(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0) return false;
  for (let at = start; at < start + length; at++) {
    const byte = bytes[at]!;
    if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return !(length === 3 && bytes[start] === 0x5f && bytes[start + 1] === 0x69 && bytes[start + 2] === 0x64);
}

export const knownNames: KnownNames = new KnownNames();
