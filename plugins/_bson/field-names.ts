/** The names of a document's fields while it is written: one that is there twice would be two fields in BSON. */
import { randomInt } from "node:crypto";
import type { BsonBuffer } from "./bson-buffer.ts";

/** Most documents have fewer names than half of it; a power of two. */
const FIRST_SIZE = 64;
const LARGEST = 2 ** 31 - 1;
/** FNV's. */
const PRIME = 0x01000193;
/** Another one in each process: nobody can choose names that meet. */
const SEED = randomInt(LARGEST);

/** A name's hash, of all its bytes: those that look alike seldom meet; never negative. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME);
  return (hash ^ (hash >>> 15)) & LARGEST;
}

/**
 * The fields of one document; it can be used for one after the other. A hash table with open addressing: a place is free
 * if it wasn't this document that took it.
 */
export class FieldNames {
  #size = FIRST_SIZE;
  /** By place the number of the last document that took it, and of its name the hash and where it stands. */
  #documents = new Int32Array(FIRST_SIZE);
  #hashes = new Int32Array(FIRST_SIZE);
  #starts = new Int32Array(FIRST_SIZE);
  #document = 0;
  #count = 0;

  /** Begins with another document. */
  begin(): void {
    this.#count = 0;
    if (this.#document === LARGEST) this.#document = 0;
    if (this.#document++ === 0) this.#documents.fill(0);
  }

  /** Adds the name that was written last, by its {@link hashOf}; whether it is new in its document. */
  add(hash: number, { bytes, typeAt }: BsonBuffer): boolean {
    const start = typeAt + 1;
    let at = hash & (this.#size - 1);
    for (; this.#documents[at] === this.#document; at = (at + 1) & (this.#size - 1))
      if (this.#hashes[at] === hash && isSame(bytes, this.#starts[at]!, start)) return false;
    this.#take(at, hash, start);
    if (++this.#count * 2 > this.#size) this.#grow();
    return true;
  }

  #take(at: number, hash: number, start: number): void {
    this.#documents[at] = this.#document;
    this.#hashes[at] = hash;
    this.#starts[at] = start;
  }

  #grow(): void {
    const [documents, hashes, starts] = [this.#documents, this.#hashes, this.#starts];
    this.#size *= 2;
    this.#documents = new Int32Array(this.#size);
    this.#hashes = new Int32Array(this.#size);
    this.#starts = new Int32Array(this.#size);
    for (let i = 0; i < documents.length; i++) {
      if (documents[i] !== this.#document) continue;
      let at = hashes[i]! & (this.#size - 1);
      while (this.#documents[at] === this.#document) at = (at + 1) & (this.#size - 1);
      this.#take(at, hashes[i]!, starts[i]!);
    }
  }
}

/** Whether two names are equal, up to the NUL behind each. */
function isSame(bytes: Uint8Array, one: number, other: number): boolean {
  for (let i = 0; bytes[one + i] === bytes[other + i]; i++) if (bytes[one + i] === 0) return true;
  return false;
}
