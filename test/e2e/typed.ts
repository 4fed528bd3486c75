/** Documents as something two of which can be compared value by value and BSON type by BSON type. */
import { Binary, Decimal128, Double, Int32, Long } from "mongodb";

/** For expectations: a 32-bit integer. */
export const int32 = (value: number): Int32 => new Int32(value);
/** For expectations: a 64-bit integer. */
export const int64 = (digits: string): Long => Long.fromString(digits);
/** For expectations: a Decimal128, digits and exponent as written. */
export const decimal = (text: string): Decimal128 => Decimal128.fromString(text);
/** For expectations: a double. */
export const double = (value: number): Double => new Double(value);
/** For expectations: binary of subtype 0, in base64. */
export const binary = (base64: string): Binary => new Binary(Buffer.from(base64, "base64"), 0);

/**
 * A value read with `promoteValues: false`, or an expectation, with every type spelt out. Fields are in
 * alphabetical order, as pairs, because `__proto__` may be one.
 */
export function typed(value: unknown): unknown {
  if (value === null) return "null";
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `bool ${value}`;
  if (Array.isArray(value)) return { array: value.map(typed) };
  if (value instanceof Int32) return `int32 ${value.value}`;
  if (value instanceof Long) return `int64 ${value.toString()}`;
  if (value instanceof Double) return `double ${Object.is(value.value, -0) ? "-0" : value.value}`;
  if (value instanceof Decimal128) return `decimal ${value.toString()}`;
  if (value instanceof Binary) return `binary${value.sub_type} ${value.toString("base64")}`;
  const prototype: unknown = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null)
    throw new Error(`unexpected type of ${String(value)}`);
  const fields = Object.entries(value as object).map(([name, field]) => [name, typed(field)] as const);
  return { document: fields.sort(([a], [b]) => (a < b ? -1 : 1)) };
}
