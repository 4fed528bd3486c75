/** What is written has BSON's elements as its words. */
import { OutputBuffer } from "./output-buffer.ts";

export const DOUBLE = 1;
export const STRING = 2;
export const DOCUMENT = 3;
export const ARRAY = 4;
export const BINARY = 5;
export const OBJECT_ID = 7;
export const BOOLEAN = 8;
export const NULL = 10;
export const INT32 = 16;
export const INT64 = 18;
export const DECIMAL128 = 19;

/** What is free behind a name: room for any value of fixed size, and for a string's length. */
export const ROOM = 32;
/** Strings up to here are copied character by character; beyond, the native copy is faster. */
const SHORT = 24;
/** UTF-8 takes at most this many bytes per UTF-16 unit. */
const UTF8_MAX = 3;
const ZERO = 0x30;
/** No array index has more digits. */
const INDEX_DIGITS = 10;
const TWO_32 = 2 ** 32;

/**
 * An element is its name, then its type, then its value: the type stands before the name but may be known
 * only later. Values of fixed size find their room reserved by the name.
 */
export class BsonBuffer extends OutputBuffer {
  /** Where the type of the last name goes. */
  typeAt = 0;

  /**
   * The name of an element.
   *
   * @throws RangeError for a NUL, which would end it, and for half a surrogate pair
   */
  name(name: string): void {
    const { length } = name;
    this.reserve(length * UTF8_MAX + ROOM);
    const { bytes } = this;
    let { at } = this;
    this.typeAt = at++;
    for (let i = 0; i < length; i++) {
      const code = name.charCodeAt(i);
      if (code === 0) throw nulInName(name);
      if (code > 127) {
        if (name.includes("\0", i)) throw nulInName(name);
        this.at = this.typeAt + 1;
        this.#utf8(name);
        ({ at } = this);
        break;
      }
      bytes[at++] = code;
    }
    bytes[at++] = 0;
    this.at = at;
  }

  /** A name from bytes without a NUL. */
  nameOf(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start + ROOM);
    const { bytes } = this;
    let { at } = this;
    this.typeAt = at++;
    for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    bytes[at++] = 0;
    this.at = at;
  }

  /** The name of an array's member. */
  index(index: number): void {
    this.reserve(INDEX_DIGITS + ROOM);
    const { bytes } = this;
    this.typeAt = this.at++;
    // A native copy of few digits takes longer than to write them, and a logarithm longer than to count them.
    let end = this.at + 1;
    for (let least = 10; index >= least; least *= 10) end++;
    for (let at = end - 1, left = index; at >= this.at; at--) {
      bytes[at] = ZERO + (left % 10);
      left = (left / 10) | 0;
    }
    bytes[end] = 0;
    this.at = end + 1;
  }

  /** The type of the element named last. */
  type(type: number): void {
    this.bytes[this.typeAt] = type;
  }

  /** Begins a document or array: an element's value, or (without a type) one that stands alone. */
  open(type?: number): number {
    if (type !== undefined) this.bytes[this.typeAt] = type;
    const start = this.at;
    this.at += 4;
    return start;
  }

  /** Ends the document or array that began there. */
  close(start: number): void {
    this.reserve(1);
    this.bytes[this.at++] = 0;
    this.setInt32(start, this.at - start);
  }

  int32(value: number): void {
    this.setInt32(this.at, value);
    this.at += 4;
  }

  setInt32(at: number, value: number): void {
    this.view.setInt32(at, value, true);
  }

  /** A safe integer as an int64. */
  int64(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.int32((value - high * TWO_32) | 0);
    this.int32(high);
  }

  double(value: number): void {
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  boolean(value: boolean): void {
    this.bytes[this.at++] = value ? 1 : 0;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Bytes that stand in a text, a character a byte. */
  latin1(text: string): void {
    this.reserve(text.length);
    this.at += this.bytes.write(text, this.at, "latin1");
  }

  /** A binary of subtype 0. */
  binary(bytes: Uint8Array): void {
    this.int32(bytes.length);
    this.bytes[this.at++] = 0;
    this.raw(bytes);
  }

  /**
   * A string.
   *
   * @throws RangeError for half a surrogate pair
   */
  string(value: string): void {
    const { length } = value;
    this.reserve(length * UTF8_MAX + 5);
    const { bytes } = this;
    const start = this.at;
    let at = start + 4;
    let i = 0;
    if (length <= SHORT) {
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        bytes[at++] = code;
      }
    }
    this.at = at;
    if (i < length) {
      this.at = start + 4;
      this.#utf8(value);
    }
    this.endString(start);
  }

  /** Ends the string whose length stands there. */
  endString(start: number): void {
    this.bytes[this.at++] = 0;
    this.setInt32(start, this.at - start - 4);
  }

  #utf8(value: string): void {
    const written = this.bytes.write(value, this.at, "utf8");
    // Only what is not plain ASCII can be malformed; it would be replaced silently.
    if (written !== value.length && !value.isWellFormed()) {
      throw new RangeError(`the string ${JSON.stringify(value.slice(0, 40))} is no valid Unicode`);
    }
    this.at += written;
  }
}

function nulInName(name: string): RangeError {
  return new RangeError(`the attribute name ${JSON.stringify(name)} has a NUL`);
}
