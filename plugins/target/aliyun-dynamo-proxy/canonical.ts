/** Items in one form, whatever order a server gives attributes and sets in, and however it spells a number. */
import type { StoredValue } from "../../../core/plugin/stored.ts";
import { plainDecimal } from "../../../core/schema/decimal.ts";
import type { AttributeValue, Item } from "../../../core/types.ts";

/** How integers are sent; others are spelled anew. */
const PLAIN = /^-?[1-9]\d*$/;

/** An item as text: the same for the same content. */
export function canonicalText(item: Item): string {
  const members = Object.keys(item)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${valueText(item[name]!)}`);
  return `{${members.join(",")}}`;
}

function valueText(value: AttributeValue): string {
  if (value.S !== undefined) return `{"S":${JSON.stringify(value.S)}}`;
  if (value.N !== undefined) return `{"N":${JSON.stringify(number(value.N))}}`;
  if (value.M !== undefined) return `{"M":${canonicalText(value.M)}}`;
  if (value.L !== undefined) return `{"L":[${value.L.map(valueText).join(",")}]}`;
  for (const type of SETS) {
    if (value[type] !== undefined) return `{"${type}":${JSON.stringify(sorted(type, value[type]))}}`;
  }
  return JSON.stringify(value);
}

const SETS = ["SS", "NS", "BS"] as const;

/** A set's members in one order. */
function sorted(type: (typeof SETS)[number], members: string[]): string[] {
  return (type === "NS" ? members.map(number) : members).toSorted();
}

function number(digits: string): string {
  if (PLAIN.test(digits)) return digits;
  try {
    return plainDecimal(digits);
  } catch {
    return digits;
  }
}

/** An item taken apart. */
export function decodeItem(item: Item): StoredValue {
  const names = Object.keys(item).sort();
  return { type: "M", fields: new Map(names.map((name) => [name, decodeValue(item[name]!)])) };
}

function decodeValue(value: AttributeValue): StoredValue {
  if (value.M !== undefined) return decodeItem(value.M);
  if (value.L !== undefined) return { type: "L", items: value.L.map(decodeValue) };
  for (const type of SETS) {
    if (value[type] === undefined) continue;
    const member = type[0]!;
    const items = sorted(type, value[type]).map((each) => ({ type: member, value: { [member]: each } }));
    return { type, items };
  }
  if (value.N !== undefined) return { type: "N", value: { N: number(value.N) } };
  return { type: Object.keys(value)[0] ?? "nothing", value };
}
