/** The values without members of DynamoDB's JSON, to BSON. */
import { Decimal128, Long } from "mongodb";
import {
  BINARY,
  BOOLEAN,
  type BsonBuffer,
  DECIMAL128,
  DOUBLE,
  INT32,
  INT64,
  NULL,
  ROOM,
  STRING,
} from "./bson-buffer.ts";
import { type JsonCursor, Unexpected } from "./json-cursor.ts";
import { MINUS, NINE, POINT, QUOTE, ZERO } from "./json-bytes.ts";
import { binaryOf } from "./base64.ts";
import { hashOf } from "./name-hash.ts";
import { EXPONENT_BIAS, SAFE_DIGITS } from "./number.ts";

const FALSE = Buffer.from('BOOL":false');
const TRUE = Buffer.from('BOOL":true');
const IS_NULL = Buffer.from('NULL":true');

/** Strings up to here are copied byte by byte; beyond, the native copy is faster. */
const SHORT = 40;
const POWERS = Array.from({ length: SAFE_DIGITS + 1 }, (_, i) => 10 ** i);

/** Writes a name from its opening quote, and gives its hash. */
export function writeName(json: JsonCursor, out: BsonBuffer): number {
  json.expect(QUOTE);
  out.reserve(SHORT + ROOM);
  const end = json.copyName(out.bytes, out.at + 1, SHORT);
  if (end < 0) {
    out.name(json.string());
    return hashOf(out.bytes, out.typeAt + 1, out.at - 1);
  }
  out.typeAt = out.at;
  out.bytes[end] = 0;
  out.at = end + 1;
  return json.hash;
}

/** Writes a string from its opening quote. */
export function writeText(json: JsonCursor, out: BsonBuffer): void {
  json.expect(QUOTE);
  out.type(STRING);
  out.reserve(SHORT + ROOM);
  const start = out.at;
  const end = json.copyShort(out.bytes, start + 4, SHORT);
  if (end >= 0) {
    out.at = end;
    return out.endString(start);
  }
  const plain = json.plainEnd();
  if (plain < 0) return out.string(json.string());
  out.reserve(plain - json.pos + ROOM);
  out.at = start + 4 + json.bytes.copy(out.bytes, start + 4, json.pos, plain);
  json.pos = plain + 1;
  out.endString(start);
}

/** Writes a binary from its opening quote. */
export function writeBinary(json: JsonCursor, out: BsonBuffer): void {
  json.expect(QUOTE);
  out.type(BINARY);
  // Not raw: JSON may write a slash as \/.
  out.binary(binaryOf(json.ascii()));
}

/**
 * Writes `BOOL` and `NULL`.
 *
 * @param tag where the type's name stands
 * @param typed whether a NULL is written as DynamoDB has it: true
 */
export function writeConstant(json: JsonCursor, out: BsonBuffer, tag: number, typed: boolean): void {
  const isTrue = json.isAt(tag, TRUE);
  const isNull = json.isAt(tag, IS_NULL);
  if (!isTrue && !isNull && !json.isAt(tag, FALSE)) throw new Unexpected();
  json.pos += isTrue || isNull ? 4 : 5;
  if (isNull && !typed) return out.type(NULL);
  out.type(BOOLEAN);
  out.boolean(isTrue || isNull);
}

/** Writes a number from its opening quote; false, and nothing is done, when it takes more care. */
export function writePlainNumber(json: JsonCursor, out: BsonBuffer, doubles: boolean): boolean {
  const { bytes } = json;
  let { pos } = json;
  if (bytes[pos++] !== QUOTE) throw new Unexpected();
  const negative = bytes[pos] === MINUS;
  if (negative) pos++;
  let coefficient = 0;
  let count = 0;
  let scale = -1;
  let byte = bytes[pos]!;
  for (; ; byte = bytes[++pos]!) {
    if (byte >= ZERO && byte <= NINE) {
      coefficient = coefficient * 10 + (byte - ZERO);
      count++;
      if (scale >= 0) scale++;
    } else if (byte === POINT && scale < 0) scale = 0;
    else break;
  }
  if (byte !== QUOTE || count === 0 || count > SAFE_DIGITS || scale === 0) return false;
  const power = scale > 0 ? POWERS[scale]! : 1;
  // A fraction of zeros only is an integer.
  if (scale > 0 && bytes[pos - 1] === ZERO && coefficient % power === 0) return false;
  json.pos = pos + 1;
  const value = negative ? -coefficient : coefficient;
  if (doubles) {
    out.type(DOUBLE);
    // The quotient of two exact doubles is rounded once: it is the double nearest to the digits.
    out.double(value / power);
  } else if (scale > 0) writeDecimal(out, negative, coefficient, scale);
  else if (value === (value | 0)) {
    out.type(INT32);
    out.int32(value | 0);
  } else {
    out.type(INT64);
    out.int64(value);
  }
  return true;
}

/** As number.ts makes a small Decimal128, without an object; one function for both cost 3 % of an item's time. */
function writeDecimal(out: BsonBuffer, negative: boolean, coefficient: number, scale: number): void {
  out.type(DECIMAL128);
  out.int64(coefficient);
  out.int32(0);
  // The exponent stands above the upper 49 bits of the coefficient.
  out.int32(((EXPONENT_BIAS - scale) << 17) | (negative ? 1 << 31 : 0));
}

/** Writes what a number was converted to. */
export function writeConverted(value: unknown, out: BsonBuffer, doubles: boolean): void {
  if (typeof value === "string") {
    out.type(STRING);
    out.string(value);
  } else if (value instanceof Decimal128) {
    out.type(DECIMAL128);
    out.raw(value.bytes);
  } else if (value instanceof Long) {
    out.type(INT64);
    out.int32(value.low);
    out.int32(value.high);
  } else if (doubles) {
    out.type(DOUBLE);
    out.double(value as number);
  } else {
    out.type(INT32);
    out.int32(value as number);
  }
}
