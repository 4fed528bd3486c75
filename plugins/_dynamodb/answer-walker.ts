/** A walk over the members of an answer's JSON, in whatever order they come. */
import { CLOSE, CLOSE_LIST, COLON, COMMA, OPEN, OPEN_LIST, QUOTE } from "../_bson/json-bytes.ts";
import { JsonCursor, Unexpected } from "../_bson/json-cursor.ts";
import { endOfValue } from "./item-bounds.ts";

/** Stands before a member's value, whose name it has read. What isn't compact JSON is Unexpected. */
export class AnswerWalker extends JsonCursor {
  #nameAt = 0;
  #nameEnd = 0;

  /** Goes into the object that begins here; whether it has a member. */
  enter(): boolean {
    this.expect(OPEN);
    if (this.#leaves(CLOSE)) return false;
    this.#name();
    return true;
  }

  /** Goes from behind a member's value to the next member; whether there is one. */
  next(): boolean {
    if (this.#leaves(CLOSE)) return false;
    this.expect(COMMA);
    this.#name();
    return true;
  }

  /** Goes into the list that begins here; whether it has a value. */
  enterList(): boolean {
    this.expect(OPEN_LIST);
    return !this.#leaves(CLOSE_LIST);
  }

  /** Goes from behind a list's value to the next one; whether there is one. */
  nextInList(): boolean {
    if (this.#leaves(CLOSE_LIST)) return false;
    this.expect(COMMA);
    return true;
  }

  /** Whether the member has this name. */
  isNamed(name: Uint8Array): boolean {
    return this.#nameEnd - this.#nameAt === name.length && this.isAt(this.#nameAt, name);
  }

  /** Goes behind a value; gives where it began. */
  skip(): number {
    const start = this.pos;
    const end = endOfValue(this.bytes, start);
    if (end < 0) throw new Unexpected();
    this.pos = end;
    return start;
  }

  /** The same for an object. */
  skipObject(): number {
    if (this.bytes[this.pos] !== OPEN) throw new Unexpected();
    return this.skip();
  }

  /** A string. */
  text(): string {
    this.expect(QUOTE);
    return this.ascii();
  }

  /** A number. */
  number(): number {
    const start = this.skip();
    const value: unknown = JSON.parse(this.bytes.toString("latin1", start, this.pos));
    if (typeof value !== "number") throw new Unexpected();
    return value;
  }

  #name(): void {
    this.#nameAt = this.pos + 1;
    this.skip();
    this.#nameEnd = this.pos - 1;
    this.expect(COLON);
  }

  #leaves(end: number): boolean {
    if (this.bytes[this.pos] !== end) return false;
    this.pos++;
    return true;
  }
}
