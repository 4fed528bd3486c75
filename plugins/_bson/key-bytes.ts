/** A key's values as bytes that are the same for the same key, whatever type its numbers have. */
import { Decimal128 } from "mongodb";
import { type Decimal, parseDecimal, plainDecimal } from "../../core/schema/decimal.ts";
import type { AttributeValue, KeyType } from "../../core/types.ts";
import { BINARY, DECIMAL128, DOUBLE, INT32, INT64, STRING } from "./bson-buffer.ts";
import { int32At, SYMBOL, valueEnd } from "./elements.ts";

const FIRST_SIZE = 4096;
/** Views of keys that are short are made once. */
const SHORT = 256;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Integers of so many digits fit into an int64 whatever they are. */
const MOST_DIGITS = 19;
const EXPONENT_BIAS = 6176;

/**
 * Gathers one key after the other. Integers within 64 bits are an int64, other numbers their digits and exponent as
 * text under Decimal128's type; whatever else is the value as it is stored, behind its type.
 */
export class KeyBytes {
  #bytes: Buffer = Buffer.alloc(FIRST_SIZE);
  #at = 0;
  #views: Uint8Array[] = [];

  begin(): void {
    this.#at = 0;
  }

  /** The key; valid until the next begins. */
  view(): Uint8Array {
    const size = this.#at;
    if (size >= SHORT) return this.#bytes.subarray(0, size);
    return (this.#views[size] ??= this.#bytes.subarray(0, size));
  }

  /** Appends a value of a BSON type. */
  add(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === INT32) this.#int64(int32At(bytes, start), int32At(bytes, start) >> 31);
    else if (type === DOUBLE) this.#double(bytes, start, end);
    else if (type === DECIMAL128) this.#decimal128(bytes, start, end);
    // A query takes one for the other too.
    else this.#raw(type === SYMBOL ? STRING : type, bytes, start, end);
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.alloc(2 * (this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
    this.#views = [];
  }

  #raw(type: number, bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start + 1);
    const out = this.#bytes;
    let at = this.#at;
    out[at++] = type;
    for (let i = start; i < end; i++) out[at++] = bytes[i]!;
    this.#at = at;
  }

  #int64(low: number, high: number): void {
    this.#reserve(9);
    this.#bytes[this.#at] = INT64;
    this.#bytes.writeInt32LE(low | 0, this.#at + 1);
    this.#bytes.writeInt32LE(high | 0, this.#at + 5);
    this.#at += 9;
  }

  #double(bytes: Uint8Array, start: number, end: number): void {
    const value = new DataView(bytes.buffer, bytes.byteOffset + start, 8).getFloat64(0, true);
    if (Number.isSafeInteger(value)) this.#int64(value, Math.floor(value / 2 ** 32));
    else if (!Number.isFinite(value)) this.#raw(DOUBLE, bytes, start, end);
    // An integer stands for its own value, a fraction for the shortest one that it is read from.
    else this.#decimal(parseDecimal(String(Number.isInteger(value) ? BigInt(value) : value)));
  }

  #decimal128(bytes: Uint8Array, start: number, end: number): void {
    const small = smallDecimal(bytes, start);
    if (small !== undefined) return this.#decimal(small);
    const text = new Decimal128(Uint8Array.from(bytes.subarray(start, end))).toString();
    if (/^-?\d/.test(text)) this.#decimal(parseDecimal(text));
    else this.#raw(DECIMAL128 + 1, bytes, start, end);
  }

  #decimal({ negative, digits, exponent }: Decimal): void {
    const sign = negative ? "-" : "";
    if (exponent >= 0 && digits.length + exponent <= MOST_DIGITS) {
      const value = BigInt(`${sign}${digits}${"0".repeat(exponent)}` || 0);
      if (value >= INT64_MIN && value <= INT64_MAX) {
        return this.#int64(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
      }
    }
    const text = `${sign}${digits}E${exponent}`;
    this.#reserve(text.length + 5);
    this.#bytes[this.#at] = DECIMAL128;
    this.#bytes.writeInt32LE(text.length, this.#at + 1);
    this.#bytes.write(text, this.#at + 5, "latin1");
    this.#at += 5 + text.length;
  }
}

/** A Decimal128 whose coefficient is a safe integer; undefined for any other. */
function smallDecimal(bytes: Uint8Array, start: number): Decimal | undefined {
  for (let i = start + 6; i < start + 14; i++) if (bytes[i] !== 0) return undefined;
  const high = bytes[start + 14]! | (bytes[start + 15]! << 8);
  // The exponent's bits begin at the second, and its lowest is the highest of the byte before.
  if ((high & 0x6000) === 0x6000 || (high & 1) === 1) return undefined;
  const coefficient =
    (bytes[start + 4]! | (bytes[start + 5]! << 8)) * 2 ** 32 + (int32At(bytes, start) >>> 0);
  const all = String(coefficient);
  const digits = coefficient === 0 ? "" : all.replace(/0+$/, "");
  const exponent = ((high & 0x7fff) >> 1) - EXPONENT_BIAS + all.length - digits.length;
  return { negative: digits !== "" && high >> 15 === 1, digits, exponent: digits === "" ? 0 : exponent };
}

/**
 * Values of a key as DynamoDB has them.
 *
 * @param key as {@link KeyBytes} made it
 * @returns undefined when they are of other types
 */
export function keyValues(key: Uint8Array, types: KeyType[]): AttributeValue[] | undefined {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  const values: AttributeValue[] = [];
  let at = 0;
  for (const keyType of types) {
    const type = bytes[at++]!;
    if (type !== DECIMAL128 && type > DECIMAL128) return undefined;
    const end = type === DECIMAL128 ? at + 4 + int32At(bytes, at) : valueEnd(bytes, type, at);
    const value = keyValue(keyType, type, bytes, at, end);
    if (value === undefined) return undefined;
    values.push(value);
    at = end;
  }
  return values;
}

function keyValue(
  keyType: KeyType,
  type: number,
  bytes: Buffer,
  at: number,
  end: number,
): AttributeValue | undefined {
  if (type === BINARY && keyType === "B" && bytes[at + 4] === 0) {
    return { B: bytes.toString("base64", at + 5, end) };
  }
  // Numbers are strings too, where no other type holds them.
  if (type === STRING && keyType !== "B") return { [keyType]: bytes.toString("utf8", at + 4, end - 1) };
  if (keyType !== "N") return undefined;
  if (type === INT64) return { N: String(bytes.readBigInt64LE(at)) };
  if (type === DECIMAL128) return { N: plainDecimal(bytes.toString("latin1", at + 4, end)) };
  return undefined;
}
