/** DynamoDB JSON values as what MongoDB stores: plainly (change, mchange) or in their typed form (raw). */
import { Binary } from "mongodb";
import type { AttributeValue, Item, TargetDocument } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";

/** How values are turned. */
export interface ValueMapping {
  /** What becomes of a number's digits. */
  number: (digits: string) => unknown;
  /** What an attribute inside a map is called at the target. */
  nestedName: (name: string, siblings: Item) => string;
}

/**
 * A value without its type tag: string, number by the mapping, Binary of subtype 0, boolean, null,
 * document, array. Empty containers stay empty; sets become arrays in the order sent.
 *
 * @throws RangeError for a type DynamoDB doesn't have
 */
export function plainValue(value: AttributeValue, mapping: ValueMapping): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return mapping.number(value.N);
  if (value.M !== undefined) return plainMap(value.M, mapping);
  if (value.L !== undefined) return value.L.map((member) => plainValue(member, mapping));
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.SS !== undefined) return value.SS;
  if (value.NS !== undefined) return value.NS.map(mapping.number);
  if (value.B !== undefined) return binary(value.B);
  if (value.BS !== undefined) return value.BS.map(binary);
  throw unknownType(value);
}

function plainMap(map: Item, mapping: ValueMapping): TargetDocument {
  const document: TargetDocument = {};
  for (const name in map) {
    setField(document, mapping.nestedName(name, map), plainValue(map[name]!, mapping));
  }
  return document;
}

/**
 * A value with its type tag, every digit and every type intact; only binaries become Binary.
 *
 * @throws RangeError for a type DynamoDB doesn't have
 */
export function typedValue(value: AttributeValue, nestedName: ValueMapping["nestedName"]): unknown {
  if (value.M !== undefined) {
    const document: TargetDocument = {};
    for (const name in value.M) {
      setField(document, nestedName(name, value.M), typedValue(value.M[name]!, nestedName));
    }
    return { M: document };
  }
  if (value.L !== undefined) return { L: value.L.map((member) => typedValue(member, nestedName)) };
  if (value.B !== undefined) return { B: binary(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(binary) };
  for (const tag of ["S", "N", "BOOL", "NULL", "SS", "NS"] as const) {
    if (value[tag] !== undefined) return { [tag]: value[tag] };
  }
  throw unknownType(value);
}

function binary(base64: string): Binary {
  return new Binary(Buffer.from(base64, "base64"), 0);
}

function unknownType(value: AttributeValue): RangeError {
  return new RangeError(`a value of the unknown type ${JSON.stringify(Object.keys(value))}`);
}
