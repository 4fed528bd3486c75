/** The names of a document's fields while it is written: one that is there twice would be two fields in BSON. */
import type { BsonBuffer } from "./bson-buffer.ts";
import { valueEnd } from "./elements.ts";

/** Of few names seldom two have the same; a power of two. */
const SLOTS = 1024;
const LARGEST = 2 ** 31 - 1;

/** Where a name belongs, by its length and three of its bytes. */
export function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const ends = bytes[start]! * 7 + bytes[end - 1]! * 61;
  return (ends + bytes[start + (length >> 1)]! * 173 + length * 409) & (SLOTS - 1);
}

/** The fields of one document; it can be used for one after the other. */
export class FieldNames {
  /** By slot the number of the last document that has a name there. */
  readonly #slots = new Int32Array(SLOTS);
  #document = 0;

  /** Begins with another document. */
  begin(): void {
    if (this.#document === LARGEST) this.#document = 0;
    if (this.#document++ === 0) this.#slots.fill(0);
  }

  /**
   * Adds the name that was written last; whether it is new in its document.
   *
   * @param slot its slot
   * @param start where the document's first field is
   */
  add(slot: number, out: BsonBuffer, start: number): boolean {
    if (this.#slots[slot] === this.#document) return isNew(out, start);
    this.#slots[slot] = this.#document;
    return true;
  }
}

/** Looks at all fields up to the last. */
function isNew({ bytes, typeAt, at: end }: BsonBuffer, start: number): boolean {
  const name = bytes.subarray(typeAt + 1, end);
  for (let at = start; at < typeAt;) {
    const nameEnd = bytes.indexOf(0, at + 1);
    if (name.equals(bytes.subarray(at + 1, nameEnd + 1))) return false;
    at = valueEnd(bytes, bytes[at]!, nameEnd + 1);
  }
  return true;
}
