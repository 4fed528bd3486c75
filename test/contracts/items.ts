/** Tables, and items of everything that DynamoDB can hold. */
import { keyAttributes } from "../../core/schema/keys.ts";
import type { AttributeValue, Item, KeyAttribute, SecondaryIndex, Table } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";

/** A table; its name at the target is another than at the source. Keys as `name` (a string) or `name:N`. */
export function makeTable(
  targetName: string,
  keys: [partition: string, sort?: string] = ["pk"],
  secondary: SecondaryIndex[] = [],
): Table {
  const [partition, sort] = keys;
  return {
    name: `source-of-${targetName}`,
    id: `id-of-${targetName}`,
    targetName,
    keys: { partition: keyAttribute(partition), ...(sort !== undefined && { sort: keyAttribute(sort) }) },
    secondary,
    itemCount: 0,
    sizeBytes: 0,
  };
}

/** A key attribute from `name` (a string) or `name:N`. */
export function keyAttribute(text: string): KeyAttribute {
  const [name, type = "S"] = text.split(":") as [string, KeyAttribute["type"]?];
  return { name, type };
}

/** The primary key's attributes of an item. */
export function keyIn(item: Item, table: Table): Item {
  const key: Item = {};
  for (const { name } of keyAttributes(table)) setField(key, name, item[name]);
  return key;
}

/** The nth value of a key attribute; no two are the same, and they are of many lengths and signs. */
export function keyValue({ type }: KeyAttribute, n: number): AttributeValue {
  if (type === "S") return { S: `k${n}` };
  if (type === "N") return { N: n === 0 ? "0" : n % 2 === 0 ? `-${n}` : `${n}.5` };
  return { B: Buffer.from([n % 256, Math.floor(n / 256) % 256, 0, 255]).toString("base64") };
}

/** Items of a table with other keys each, from the nth on; `version` makes them differ from others of their keys. */
export function someItems(table: Table, from: number, count: number, version: number = 1): Item[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const item: Item = {};
    for (const attribute of keyAttributes(table)) setField(item, attribute.name, keyValue(attribute, n));
    // What the other versions don't have must go when they are written over it.
    return {
      ...item,
      version: { N: String(version) },
      [`only in ${version}`]: { BOOL: true },
      text: { S: `${"x".repeat(n % 50)}${version}` },
    };
  });
}

/** An attribute's value with the item's key around it. */
export function itemWith(table: Table, n: number, attributes: Item): Item {
  const [item] = someItems(table, n, 1);
  return { ...keyIn(item!, table), ...attributes };
}

const DIGITS_38 = "12345678901234567890123456789012345678";
const NUMBERS = [
  "0",
  "-1",
  "1.5",
  "-0.00000001",
  "2147483647",
  "-2147483649",
  "9007199254740993",
  "-9223372036854775808",
  "9223372036854775808",
  DIGITS_38,
  `-0.${DIGITS_38}`,
  `0.${"0".repeat(129)}1`,
  `999${"0".repeat(123)}`,
];
const bytes = (...values: number[]): string => Buffer.from(values).toString("base64");
const ALL_BYTES = bytes(...Array.from({ length: 256 }, (_, n) => n));

function nested(levels: number): AttributeValue {
  let value: AttributeValue = { S: "deep" };
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { M: { m: value } } : { L: [value] };
  return value;
}

/** A value of every type, and those at the edge of each. */
export const VALUES: Item = {
  text: { S: "text" },
  "empty text": { S: "" },
  "every script": { S: 'Zürich 北京 🦤 "quoted" \\ \u0000 \u2028 \uffff 👩‍👩‍👧' },
  ...Object.fromEntries(NUMBERS.map((digits, i) => [`number ${i}`, { N: digits }])),
  binary: { B: ALL_BYTES },
  "empty binary": { B: "" },
  yes: { BOOL: true },
  no: { BOOL: false },
  null: { NULL: true },
  map: { M: { a: { S: "x" }, b: { M: { c: { N: "1" } } } } },
  "empty map": { M: {} },
  list: { L: [{ S: "x" }, { N: "1" }, { NULL: true }, { L: [] }, { M: { a: { B: bytes(1) } } }] },
  "empty list": { L: [] },
  texts: { SS: ["a", "b", "Ä"] },
  numbers: { NS: ["-1", "2", "3.5"] },
  binaries: { BS: [bytes(0), bytes(1, 2)] },
  "one text": { SS: ["a"] },
  deep: nested(30),
};

const NAMES = [
  "$x",
  "$set",
  "a.b",
  "$a.$b",
  ".",
  "..",
  "__proto__",
  "constructor",
  "toString",
  "length",
  "toJSON",
  "_bsontype",
  "S",
  "10",
  "2",
  "a name with blanks",
  '"quoted"',
  "back\\slash",
  "Zürich 北京 🦤",
  "x".repeat(255),
];

/** Attributes of names that mean something to somebody else, also inside a map. */
export const ODD_NAMES: Item = oddNames();

function oddNames(): Item {
  const item: Item = {};
  for (const [i, name] of NAMES.entries()) setField(item, name, { S: `value ${i}` });
  return { ...item, ["map"]: { M: withNames({ N: "1" }) } };
}

function withNames(value: AttributeValue): Item {
  const map: Item = {};
  for (const name of NAMES) setField(map, name, value);
  return map;
}

/** About 390 KB: DynamoDB takes 400. */
export function bigItem(table: Table, n: number): Item {
  return itemWith(table, n, {
    text: { S: `${n} `.repeat(60_000).slice(0, 200 * 1024) },
    binary: { B: Buffer.alloc(190 * 1024, `${n}`).toString("base64") },
  });
}
