/** The names of a document's fields while it is written: one that is there twice would be two fields in BSON. */
import type { BsonBuffer } from "./bson-buffer.ts";
import { KNOWN, knownNames } from "./known-names.ts";

/** Of each name: its document, its hash, where its field begins; and one to make it a power of two. */
const WIDTH = 4;
/** Its size at its beginning, and again after a document of very many names. */
const FIRST_SIZE = 64 * WIDTH;
const KEPT_SIZE = 16_384 * WIDTH;
const LARGEST = 2 ** 31 - 1;

/** The fields of one document; it can be used for one after the other. However many they are, each takes the same time. */
export class FieldNames {
  /** Each name is in the first free place from its own on; what is of another document is free. */
  #table = new Int32Array(FIRST_SIZE);
  /** Names that it takes before it is crowded. */
  #room = 0;
  /** The number of the document. */
  document = 0;
  /** Of each known name: the last document that had it. */
  readonly seen: Int32Array = new Int32Array(KNOWN);
  /** The name that came behind it then, which most probably comes again. */
  readonly next: Int16Array = new Int16Array(KNOWN);
  /** The known name before; 0: it is the first. */
  before = 0;

  /** Begins with another document. */
  begin(): void {
    this.before = 0;
    if (this.#table.length > KEPT_SIZE) this.#table = new Int32Array(FIRST_SIZE);
    if (this.document === LARGEST) {
      this.document = 0;
      this.#table.fill(0);
      this.seen.fill(0);
    }
    this.document++;
    this.#room = roomIn(this.#table);
  }

  /**
   * Adds the name that was written last; whether it is new in its document.
   *
   * @param start where the document's first field is
   */
  add(hash: number, out: BsonBuffer, start: number): boolean {
    const name = knownNames.numberOf(hash, out);
    if (name === 0) return this.#addUnknown(hash, out, start);
    this.next[this.before] = name;
    this.before = name;
    if (this.seen[name] === this.document) return false;
    this.seen[name] = this.document;
    return true;
  }

  #addUnknown(hash: number, out: BsonBuffer, start: number): boolean {
    const table = this.#table;
    const document = this.document;
    const mask = table.length - 1;
    let at = placeOf(hash, mask);
    for (; table[at] === document; at = (at + WIDTH) & mask) {
      if (table[at + 1] === hash && isLast(out, start + table[at + 2]!)) return false;
    }
    table[at] = document;
    table[at + 1] = hash;
    table[at + 2] = out.typeAt - start;
    if (--this.#room === 0) this.#grow();
    return true;
  }

  #grow(): void {
    const old = this.#table;
    const table = (this.#table = new Int32Array(old.length * 4));
    const mask = table.length - 1;
    this.#room = roomIn(table) - roomIn(old);
    for (let from = 0; from < old.length; from += WIDTH) {
      if (old[from] !== this.document) continue;
      let at = placeOf(old[from + 1]!, mask);
      while (table[at] === this.document) at = (at + WIDTH) & mask;
      for (let i = 0; i < WIDTH; i++) table[at + i] = old[from + i]!;
    }
  }
}

/** Half of its places. */
function roomIn(table: Int32Array): number {
  return table.length / WIDTH / 2;
}

function placeOf(hash: number, mask: number): number {
  return ((hash ^ (hash >>> 15)) << 2) & mask;
}

/** Whether the field there has the name that was written last. */
function isLast({ bytes, typeAt, at: end }: BsonBuffer, field: number): boolean {
  for (let i = 1; typeAt + i < end; i++) if (bytes[field + i] !== bytes[typeAt + i]) return false;
  return true;
}
