/** DynamoDB's decimal numbers as BSON's: exact where BSON can be exact, and never silently otherwise. */
import { Decimal128, Long } from "mongodb";
import { parseDecimal } from "../../core/schema/decimal.ts";

/** A number of so many digits is a safe integer without its point, and survives the way through a double. */
export const SAFE_DIGITS = 15;
/** Decimal128's exponent is stored with this offset. */
export const EXPONENT_BIAS = 6176;
/** The most significant digits a Decimal128 holds. */
const DECIMAL128_DIGITS = 34;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** What becomes of a number with 35 to 38 significant digits. */
export type NumberOverflow = "string" | "fail" | "round";

/** What a number is in BSON: int32, int64, Decimal128, or its digits. */
export type ExactNumber = number | Long | Decimal128 | string;

/**
 * A number as the smallest BSON type that holds it exactly: int32, int64, Decimal128; beyond 34
 * significant digits none does.
 *
 * @param text the number as DynamoDB sends it, a plain decimal
 * @returns the value, or undefined when it has more than 34 significant digits
 * @throws RangeError when it is no number
 */
export function exactNumber(text: string): number | Long | Decimal128 | undefined {
  const { length } = text;
  const start = text.charCodeAt(0) === 45 ? 1 : 0;
  let point = -1;
  for (let i = start; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) continue;
    if (code !== 46 || point >= 0) return slowNumber(text);
    point = i;
  }
  const digits = length - start - (point < 0 ? 0 : 1);
  if (digits === 0 || digits > SAFE_DIGITS) return slowNumber(text);
  if (point < 0) {
    const value = Number(text);
    return value === (value | 0) ? value | 0 : Long.fromNumber(value);
  }
  const scale = length - 1 - point;
  const coefficient = Number(text.slice(start, point) + text.slice(point + 1));
  // A fraction of zeros only is an integer.
  if (coefficient % 10 ** scale === 0) return slowNumber(text);
  return smallDecimal128(start === 1, coefficient, -scale);
}

/** Any number, however written. */
function slowNumber(text: string): number | Long | Decimal128 | undefined {
  const { negative, digits, exponent } = parseDecimal(text);
  if (exponent >= 0 && digits.length + exponent <= 19) {
    const value = BigInt((negative ? "-" : "") + digits + "0".repeat(exponent) || 0);
    if (value >= INT64_MIN && value <= INT64_MAX) {
      const small = Number(value);
      return small === (small | 0) ? small : Long.fromBigInt(value);
    }
  }
  if (digits.length > DECIMAL128_DIGITS) return undefined;
  // Zeros at the end are kept, as they were sent, where 34 digits have room for them.
  const sent = text.replace(/^[+-]?0*\.?0*|\./g, "");
  if (/^\d+$/.test(sent) && sent.length <= DECIMAL128_DIGITS) return Decimal128.fromString(text);
  return Decimal128.fromString(`${negative ? "-" : ""}${digits}E${exponent}`);
}

/** A Decimal128 whose coefficient is a safe integer, without going through a string. */
function smallDecimal128(negative: boolean, coefficient: number, exponent: number): Decimal128 {
  const bytes = new Uint8Array(16);
  let low = coefficient;
  for (let i = 0; low > 0; i++) {
    bytes[i] = low % 256;
    low = Math.floor(low / 256);
  }
  const biased = exponent + EXPONENT_BIAS;
  bytes[14] = (biased << 1) & 0xff;
  bytes[15] = ((biased >> 7) & 0x7f) | (negative ? 0x80 : 0);
  return new Decimal128(bytes);
}

/** A number rounded to 34 significant digits, halves to even. */
export function roundedNumber(text: string): Decimal128 {
  const { negative, digits, exponent } = parseDecimal(text);
  const dropped = Math.max(0, digits.length - DECIMAL128_DIGITS);
  let coefficient = BigInt(digits.slice(0, DECIMAL128_DIGITS));
  const rest = digits.slice(DECIMAL128_DIGITS);
  const half = "5".padEnd(rest.length, "0");
  if (rest > half || (rest === half && coefficient % 2n === 1n)) coefficient += 1n;
  return Decimal128.fromString(`${negative ? "-" : ""}${coefficient}E${exponent + dropped}`);
}

/**
 * Whether a double stands for exactly the number sent: an integer by its value, a fraction by its
 * shortest notation. So no double stands for two numbers.
 *
 * @param text the number as DynamoDB sends it
 * @param double `Number(text)`
 */
export function isExactDouble(text: string, double: number): boolean {
  // 15 digits always survive the way through a double.
  if (text.length <= SAFE_DIGITS) return true;
  if (!Number.isFinite(double)) return false;
  const sent = parseDecimal(text);
  if (sent.exponent >= 0)
    return BigInt(sent.digits) * 10n ** BigInt(sent.exponent) === BigInt(Math.abs(double));
  const kept = parseDecimal(String(double));
  return sent.negative === kept.negative && sent.digits === kept.digits && sent.exponent === kept.exponent;
}
