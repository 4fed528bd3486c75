/** BSON taken apart by its bytes: where values end. */
import {
  ARRAY,
  BINARY,
  BOOLEAN,
  DECIMAL128,
  DOCUMENT,
  DOUBLE,
  INT32,
  INT64,
  NULL,
  OBJECT_ID,
  STRING,
} from "./bson-buffer.ts";

export const UNDEFINED = 6;
export const DATE = 9;
export const REGEX = 11;
export const DB_POINTER = 12;
export const CODE = 13;
export const SYMBOL = 14;
export const CODE_WITH_SCOPE = 15;
export const TIMESTAMP = 17;
export const MAX_KEY = 0x7f;
export const MIN_KEY = 0xff;

/** A document without fields: its length and a NUL. */
export const EMPTY_DOCUMENT = 5;

/** Bytes that are no BSON. */
export class MalformedBson extends RangeError {}

/** A number of four bytes. */
export function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Behind a value of a type; it may lie beyond the bytes. */
export function valueEnd(bytes: Uint8Array, type: number, at: number): number {
  switch (type) {
    case STRING:
    case CODE:
    case SYMBOL:
      return at + 4 + length(bytes, at, 1);
    case INT32:
      return at + 4;
    case DOUBLE:
    case INT64:
    case DATE:
    case TIMESTAMP:
      return at + 8;
    case DECIMAL128:
      return at + 16;
    case DOCUMENT:
    case ARRAY:
    case CODE_WITH_SCOPE:
      return at + length(bytes, at, EMPTY_DOCUMENT);
    case BINARY:
      return at + 5 + length(bytes, at, 0);
    case BOOLEAN:
      return at + 1;
    case NULL:
    case UNDEFINED:
    case MIN_KEY:
    case MAX_KEY:
      return at;
    case OBJECT_ID:
      return at + 12;
    case REGEX:
      return cstringEnd(bytes, cstringEnd(bytes, at) + 1) + 1;
    case DB_POINTER:
      return at + 4 + length(bytes, at, 1) + 12;
    default:
      throw new MalformedBson(`there is no type ${type}`);
  }
}

function length(bytes: Uint8Array, at: number, least: number): number {
  const found = int32At(bytes, at);
  if (found < least) throw new MalformedBson(`a length of ${found}`);
  return found;
}

/** Where the NUL behind a name stands. */
export function cstringEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== 0) at++;
  if (at >= bytes.length) throw new MalformedBson("a name without an end");
  return at;
}

/**
 * Sees that a document's bytes are as many as it says, and end as documents do.
 *
 * @throws MalformedBson
 */
export function checkBounds(bytes: Uint8Array, start: number, end: number): void {
  const wrong = end - start < EMPTY_DOCUMENT || int32At(bytes, start) !== end - start || bytes[end - 1] !== 0;
  if (wrong) throw new MalformedBson(`${end - start} bytes that are no document`);
}
