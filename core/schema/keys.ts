/** A document's primary key as the source has it, and keys as text. */
import { Binary, Decimal128, Double, Int32, Long } from "mongodb";
import { parseDecimal, plainDecimal } from "./decimal.ts";
import { setField } from "./set-field.ts";
import type { Converter } from "../plugin/roles.ts";
import type { AttributeValue, IndexKeySchema, Item, KeyAttribute, Table, TargetDocument } from "../types.ts";

/** The attributes of a table's or an index's key, partition key first. */
export function attributesOf(keys: IndexKeySchema): KeyAttribute[] {
  return [...partitionOf(keys), ...sortOf(keys)];
}

/** The attributes of a partition key; only a GSI's has more than one. */
export function partitionOf({ partition, furtherPartition = [] }: IndexKeySchema): KeyAttribute[] {
  return [partition, ...furtherPartition];
}

/** The attributes of a sort key; none where there is none, and only a GSI's has more than one. */
export function sortOf({ sort, furtherSort = [] }: IndexKeySchema): KeyAttribute[] {
  return sort === undefined ? [] : [sort, ...furtherSort];
}

/** The primary key's attributes, partition key first. */
export function keyAttributes({ keys }: Table): KeyAttribute[] {
  return attributesOf(keys);
}

/** A table's key in words: `pk S, sk N`. */
export function describeKey(table: Table): string {
  return keyAttributes(table)
    .map(({ name, type }) => `${name} ${type}`)
    .join(", ");
}

/** The name of a key attribute at the target, before what a converter makes of it. */
export function targetNameOf({ name, targetName }: KeyAttribute): string {
  return targetName ?? name;
}

/**
 * The key of the item behind a document. No converter lets a key lose digits, so that there is one.
 *
 * @param document at least its key's fields, with their exact types
 * @returns undefined when the document has no key of this table's: it isn't an item's
 */
export function keyOf(
  document: TargetDocument,
  table: Table,
  fieldPath: Converter["fieldPath"],
): Item | undefined {
  const key: Item = {};
  for (const attribute of keyAttributes(table)) {
    const value = attributeOf(fieldAt(document, fieldPath(attribute)), attribute);
    if (value === undefined) return undefined;
    setField(key, attribute.name, value);
  }
  return key;
}

/** The field of a document at a path; names at the source may have dots themselves. */
export function fieldAt(document: TargetDocument, path: string): unknown {
  if (Object.hasOwn(document, path)) return document[path];
  const dot = path.lastIndexOf(".");
  const outer = dot === -1 ? undefined : document[path.slice(0, dot)];
  return outer === null || typeof outer !== "object"
    ? undefined
    : (outer as TargetDocument)[path.slice(dot + 1)];
}

function attributeOf(field: unknown, { type }: KeyAttribute): AttributeValue | undefined {
  // With convert.type = same a field is DynamoDB JSON.
  const typed = (field as AttributeValue | null | undefined)?.[type];
  if (typeof typed === "string" && type !== "N") return { [type]: typed };
  const value = typed ?? field;
  if (type === "B") return value instanceof Binary ? { B: value.toString("base64") } : undefined;
  if (type === "S") return typeof value === "string" ? { S: value } : undefined;
  const isNumber =
    typeof value === "number" ||
    [Int32, Double, Long, Decimal128].some((kind) => value instanceof kind) ||
    typeof value === "string";
  if (!isNumber) return undefined;
  // An integer double stands for its own value, all of whose digits its shortest text doesn't have.
  const double = value instanceof Double ? value.value : value;
  try {
    return { N: plainDecimal(String(Number.isInteger(double) ? BigInt(double as number) : value)) };
  } catch {
    return undefined;
  }
}

/** A key as text that is the same for the same key, however its numbers are written. */
export function keyText(key: Item, table: Table): string {
  return JSON.stringify(
    keyAttributes(table).map(({ name }) => {
      const value = key[name]!;
      return value.N === undefined ? (value.S ?? value.B) : parseDecimal(value.N);
    }),
  );
}
