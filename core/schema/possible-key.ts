/** What DynamoDB takes as a key. No item has another one, and a request for it is refused as a whole. */
import { parseDecimal } from "./decimal.ts";
import { keyAttributes } from "./keys.ts";
import type { AttributeValue, Item, KeyAttribute, Table } from "../types.ts";

/** The longest keys, in bytes. */
export const PARTITION_BYTES = 2048;
export const SORT_BYTES = 1024;
const LONGEST = [PARTITION_BYTES, SORT_BYTES];
const DIGITS = 38;
/** The largest number is below ten to the power of this, the smallest one is ten to the power of minus 130. */
const [SMALLEST, LARGEST] = [-130, 126];

/** A key attribute's size as the service counts it; numbers are always short enough. */
export function keyBytes({ S, B }: AttributeValue = {}): number {
  return Buffer.byteLength(S ?? "") + Buffer.byteLength(B ?? "", "base64");
}

/** Whether an item can have it. */
export function isPossibleKey(key: Item, table: Table): boolean {
  return keyAttributes(table).every((attribute, i) => isPossible(key, attribute, LONGEST[i]!));
}

function isPossible(key: Item, { name, type }: KeyAttribute, longest: number): boolean {
  const value = key[name]?.[type];
  if (typeof value !== "string" || value === "") return false;
  if (type === "N") return isNumber(value);
  if (type === "S") return value.isWellFormed() && Buffer.byteLength(value) <= longest;
  const bytes = Buffer.from(value, "base64");
  return bytes.toString("base64") === value && bytes.length <= longest;
}

function isNumber(text: string): boolean {
  try {
    const { digits, exponent } = parseDecimal(text);
    if (digits === "") return true;
    const above = digits.length + exponent;
    return digits.length <= DIGITS && above > SMALLEST && above <= LARGEST;
  } catch {
    return false;
  }
}
