/** Decimal numbers as BigInt fractions, and a generator of those DynamoDB sends. */
import fc from "fast-check";
import { type Decimal128, Long } from "mongodb";
import { decimalParts } from "./bson-types.ts";

/** A fraction in BigInt; two are equal when their cross products are. */
export type Fraction = [numerator: bigint, denominator: bigint];

export function power(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** A plain decimal, as DynamoDB sends it, or a double's own notation. */
export function fraction(text: string): Fraction {
  const [mantissa, exponent = "0"] = text.split("e") as [string, string?];
  const [whole, decimals = ""] = mantissa.split(".") as [string, string?];
  const shift = Number(exponent) - decimals.length;
  const digits = BigInt(whole + decimals);
  return shift >= 0 ? [digits * power(shift), 1n] : [digits, power(-shift)];
}

export function valueOf(value: unknown): Fraction {
  if (typeof value === "number") return [BigInt(value), 1n];
  if (value instanceof Long) return [value.toBigInt(), 1n];
  const { coefficient, exponent } = decimalParts((value as Decimal128).bytes);
  return exponent >= 0 ? [coefficient * power(exponent), 1n] : [coefficient, power(-exponent)];
}

export function equal(a: Fraction, b: Fraction): boolean {
  return a[0] * b[1] === b[0] * a[1];
}

/** As DynamoDB writes it: no exponent, no needless zeros. */
function plain(negative: boolean, digits: string, exponent: number): string {
  const sign = negative ? "-" : "";
  if (exponent >= 0) return sign + digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** Numbers of so many significant digits, over DynamoDB's whole range or near the integers' limits. */
export function decimals(fewest: number, most: number): fc.Arbitrary<string> {
  const digits = fc
    .integer({ min: fewest, max: most })
    .chain((count) =>
      fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: count, maxLength: count }),
    )
    .map((text) => text.replace(/^0/, "1").replace(/0$/, "9"));
  const magnitude = fc.oneof(fc.integer({ min: -130, max: 125 }), fc.integer({ min: -5, max: 22 }));
  return fc.tuple(fc.boolean(), digits, magnitude).map(([negative, digits, magnitude]) => {
    // no digit behind the 130th decimal place, no first digit before the 126th
    const exponent = Math.max(-130, magnitude - digits.length + 1);
    return plain(negative, digits, exponent);
  });
}
