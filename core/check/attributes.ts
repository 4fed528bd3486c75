/** What a sample's items are made of: names, types, shares, digits. Values are looked at and not kept. */
import { parseDecimal } from "../schema/decimal.ts";
import type { AttributeValue, Item } from "../types.ts";

/** Names that are told apart; in a table whose names are data the others are only counted. */
const MOST_NAMES = 1000;
/** Decimal128 has 34 digits. */
const EXACT_DIGITS = 34;

/** A top-level attribute. */
export interface AttributeProfile {
  name: string;
  /** The share of the items that have it, from 0 to 1. */
  share: number;
  /** How often it has each of DynamoDB's types. */
  types: Record<string, number>;
  /** It has several types beside NULL. */
  isMixed: boolean;
  /** Numbers of 35 to 38 significant digits in it, at any depth. */
  wideNumbers: number;
}

/** See the top of the file. */
export interface AttributeCount {
  add(item: Item): void;
  /** Of the attributes seen, the most frequent first. */
  list(): AttributeProfile[];
  /** Attributes of further names, how often they came. */
  readonly others: number;
}

/** Makes it. */
export function createAttributeCount(): AttributeCount {
  const names = new Map<string, { types: Map<string, number>; wide: number }>();
  let items = 0;
  let others = 0;
  return {
    add(item) {
      items++;
      for (const [name, value] of Object.entries(item)) {
        const known = names.get(name);
        if (known === undefined && names.size >= MOST_NAMES) {
          others++;
          continue;
        }
        const count = known ?? { types: new Map<string, number>(), wide: 0 };
        names.set(name, count);
        const type = typeOf(value);
        count.types.set(type, (count.types.get(type) ?? 0) + 1);
        count.wide += wideNumbers(value);
      }
    },
    list: () =>
      [...names]
        .map(([name, { types, wide }]) => {
          const times = [...types.values()].reduce((sum, each) => sum + each, 0);
          return {
            name,
            share: times / items,
            types: Object.fromEntries(types),
            isMixed: [...types.keys()].filter((type) => type !== "NULL").length > 1,
            wideNumbers: wide,
          };
        })
        .toSorted((a, b) => b.share - a.share),
    get others() {
      return others;
    },
  };
}

function typeOf(value: AttributeValue): string {
  return Object.keys(value)[0] ?? "none";
}

/** Numbers in a value that a Decimal128 can't hold. */
function wideNumbers({ N, NS, L, M }: AttributeValue): number {
  const inside = [...(L ?? []), ...Object.values(M ?? {})];
  const own = [...(N === undefined ? [] : [N]), ...(NS ?? [])].filter(isWide).length;
  return inside.reduce((sum, each) => sum + wideNumbers(each), own);
}

function isWide(text: string): boolean {
  return text.length > EXACT_DIGITS && parseDecimal(text).digits.length > EXACT_DIGITS;
}
