/** Decimal128's bytes for numbers of few digits, without going through a string. */
import { setInt32, setInt64 } from "./bson-buffer.ts";

/** A number of so many digits is a safe integer without its point, and survives the way through a double. */
export const SAFE_DIGITS = 15;
/** A Decimal128's size. */
export const DECIMAL_BYTES = 16;
/** The exponent is stored with this offset. */
const EXPONENT_BIAS = 6176;
/** Bits of the upper 32 that belong to the coefficient; the exponent stands above them, the sign on top. */
const COEFFICIENT_BITS = 17;
const NEGATIVE = 1 << 31;

/**
 * Writes ± coefficient / 10^scale.
 *
 * @param coefficient of at most `SAFE_DIGITS` digits
 */
export function writeSmallDecimal(
  bytes: Uint8Array,
  at: number,
  negative: boolean,
  coefficient: number,
  scale: number,
): void {
  setInt64(bytes, at, coefficient);
  setInt32(bytes, at + 8, 0);
  setInt32(bytes, at + 12, ((EXPONENT_BIAS - scale) << COEFFICIENT_BITS) | (negative ? NEGATIVE : 0));
}
