/** Whether an item has the table's key, of its types, while the item is written. */
import type { KeyType } from "../../core/types.ts";
import { BINARY, type BsonBuffer, DECIMAL128, DOUBLE, INT32, INT64, STRING } from "./bson-buffer.ts";
import { hashOf } from "./name-hash.ts";

/** What each type of a key is in BSON. */
const KEY_TYPES = { S: [STRING], N: [INT32, INT64, DECIMAL128, DOUBLE], B: [BINARY] };

/** A part of the key, under its name at the target. */
export interface KeyPart {
  name: Buffer;
  type: KeyType;
}

/** Looks at one item after the other. */
export class KeyCheck {
  readonly #parts: readonly KeyPart[];
  readonly #typed: boolean;
  readonly #first: number | undefined;
  readonly #second: number | undefined;
  #found = 0;

  /** @param typed whether values are in DynamoDB's own form */
  constructor(parts: readonly KeyPart[], typed: boolean) {
    this.#parts = parts;
    this.#typed = typed;
    [this.#first, this.#second] = parts.map(({ name }) => hashOf(name, 0, name.length));
  }

  begin(): void {
    this.#found = 0;
  }

  /**
   * Takes an item's field that was written.
   *
   * @param hash its name's
   * @param typeAt where it begins
   */
  see(hash: number, { bytes }: BsonBuffer, typeAt: number): void {
    if (hash === this.#first && this.#is(this.#parts[0]!, bytes, typeAt)) this.#found++;
    else if (hash === this.#second && this.#is(this.#parts[1]!, bytes, typeAt)) this.#found++;
  }

  /** Whether all parts went by. */
  get isWhole(): boolean {
    return this.#found === this.#parts.length;
  }

  #is({ name, type }: KeyPart, bytes: Buffer, typeAt: number): boolean {
    const nameEnd = typeAt + 1 + name.length;
    if (bytes[nameEnd] !== 0) return false;
    for (let i = 0; i < name.length; i++) if (bytes[typeAt + 1 + i] !== name[i]) return false;
    // Behind the name are its NUL, the document's length and the inner type.
    if (this.#typed) return bytes[nameEnd + 6] === type.charCodeAt(0);
    return KEY_TYPES[type].includes(bytes[typeAt]!);
  }
}
