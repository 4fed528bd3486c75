/** Keys that DynamoDB takes. No item has another one, and a request for it is refused. */
import { parseDecimal } from "./decimal.ts";
import { keyAttributes } from "./keys.ts";
import type { Item, KeyAttribute, Table } from "../types.ts";

/** The longest values, of the partition key and of the sort key. */
const LONGEST = [2048, 1024];
const DIGITS = 38;
/** The largest number is below ten to the power of this, the smallest one is ten to the power of minus 130. */
const [SMALLEST, LARGEST] = [-130, 126];

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
