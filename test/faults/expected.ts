/** What an item has to be at the target, by rules of the tests' own: nothing of the product's conversion is in here. */
import type { Document } from "mongodb";
import type { Attributes } from "../e2e/helpers.ts";
import { typed } from "../e2e/typed.ts";
import type { TableShape } from "./changes.ts";
import type { Entry } from "./compare.ts";
import type { Configuration } from "./configuration.ts";

const INT32 = 2n ** 31n;
const INT64 = 2n ** 63n;

type Conversion = Configuration["convert"];
type Tagged = Record<string, unknown>;

/** An item as it has to be found. */
export function expectedEntry({ keys }: TableShape, item: Attributes, conversion: Conversion): Entry {
  const value = (name: string): unknown => expectedValue(item[name] as Tagged, conversion);
  const fields = Object.keys(item).map((name) => [name, value(name)] as const);
  return entry(
    keys.map(([name]) => value(name)),
    { document: fields },
  );
}

/** A document that was read without promoting values; MongoDB's own identifier is nobody's business. */
export function foundDocument({ keys }: TableShape, { _id, ...document }: Document): Entry {
  return entry(
    keys.map(([name]) => typed(document[name])),
    typed(document),
  );
}

/** An item of a target that speaks DynamoDB's protocol. */
export function foundItem(table: TableShape, item: Attributes): Entry {
  return expectedEntry(table, item, "same");
}

function entry(key: unknown[], content: unknown): Entry {
  return { key: JSON.stringify(key), content: JSON.stringify(ordered(content)) };
}

/** Without an order of members: fields and sets have none. What differs in a list's order only isn't told apart. */
function ordered(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return sorted(value.map(ordered));
  const isDocument = (of: object): of is { document: [string, unknown][] } => "document" in of;
  const fields = isDocument(value) ? value.document : Object.entries(value);
  return { fields: sorted(fields.map(([name, member]) => [name, ordered(member)])) };
}

function sorted(values: unknown[]): unknown[] {
  const texts = values.map((member) => JSON.stringify(member));
  return texts.sort().map((text) => JSON.parse(text) as unknown);
}

/** In the words of `typed`. */
function expectedValue(tagged: Tagged, conversion: Conversion): unknown {
  if (conversion === "same") return tagged;
  const [tag, value] = Object.entries(tagged)[0]!;
  const plain = untagged(tag, value, conversion);
  return conversion === "raw" ? { document: [[tag, plain]] } : plain;
}

function untagged(tag: string, value: unknown, conversion: Conversion): unknown {
  const number = (digits: string): string => expectedNumber(digits, conversion);
  const text = (characters: string): string => `string ${JSON.stringify(characters)}`;
  const bytes = (base64: string): string => `binary0 ${base64}`;
  if (tag === "S") return text(value as string);
  if (tag === "N") return number(value as string);
  if (tag === "B") return bytes(value as string);
  if (tag === "BOOL") return `bool ${value as boolean}`;
  if (tag === "NULL") return conversion === "raw" ? "bool true" : "null";
  if (tag === "SS") return { array: (value as string[]).map(text) };
  if (tag === "NS") return { array: (value as string[]).map(number) };
  if (tag === "BS") return { array: (value as string[]).map(bytes) };
  if (tag === "L") return { array: (value as Tagged[]).map((member) => expectedValue(member, conversion)) };
  const fields = Object.entries(value as Record<string, Tagged>);
  return { document: fields.map(([name, member]) => [name, expectedValue(member, conversion)]) };
}

function expectedNumber(digits: string, conversion: Conversion): string {
  if (conversion === "raw") return `string ${JSON.stringify(digits)}`;
  if (conversion === "mchange") return `double ${Number(digits)}`;
  if (digits.includes(".")) return `decimal ${digits}`;
  const whole = BigInt(digits);
  if (whole >= -INT32 && whole < INT32) return `int32 ${digits}`;
  return whole >= -INT64 && whole < INT64 ? `int64 ${digits}` : `decimal ${digits}`;
}
