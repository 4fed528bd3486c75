/** DynamoDB JSON values as what MongoDB stores: plainly (change, mchange) or in their typed form (raw). */
import { Binary } from "mongodb";
import type { AttributeValue, Item, TargetDocument } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import { binaryOf } from "./base64.ts";

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
 * @throws RangeError for a type DynamoDB doesn't have, and for what doesn't hold what its type says
 */
export function plainValue(value: AttributeValue, mapping: ValueMapping): unknown {
  checkOne(value);
  if (value.S !== undefined) return text(value.S, "S");
  if (value.N !== undefined) return mapping.number(text(value.N, "N"));
  if (value.M !== undefined) return plainMap(map(value.M), mapping);
  if (value.L !== undefined) return list(value.L, "L").map((member) => plainValue(member, mapping));
  if (value.NULL !== undefined) return constant(value.NULL, "NULL") && null;
  if (value.NS !== undefined) return list(value.NS, "NS").map((digits) => mapping.number(text(digits, "NS")));
  return untagged(value);
}

function plainMap(fields: Item, mapping: ValueMapping): TargetDocument {
  const document: TargetDocument = {};
  for (const name in fields) {
    setField(document, mapping.nestedName(name, fields), plainValue(fields[name]!, mapping));
  }
  return document;
}

/**
 * A value with its type tag, every digit and every type intact; only binaries become Binary.
 *
 * @throws RangeError as {@link plainValue}
 */
export function typedValue(value: AttributeValue, nestedName: ValueMapping["nestedName"]): unknown {
  checkOne(value);
  if (value.S !== undefined) return { S: text(value.S, "S") };
  if (value.N !== undefined) return { N: text(value.N, "N") };
  if (value.M !== undefined) {
    const document: TargetDocument = {};
    const fields = map(value.M);
    for (const name in fields) {
      setField(document, nestedName(name, fields), typedValue(fields[name]!, nestedName));
    }
    return { M: document };
  }
  if (value.L !== undefined) {
    return { L: list(value.L, "L").map((member) => typedValue(member, nestedName)) };
  }
  if (value.NULL !== undefined) return { NULL: constant(value.NULL, "NULL") };
  if (value.NS !== undefined) return { NS: list(value.NS, "NS").map((digits) => text(digits, "NS")) };
  const [type] = Object.keys(value);
  return { [type!]: untagged(value) };
}

/** What both forms have alike. */
function untagged(value: AttributeValue): unknown {
  if (value.BOOL !== undefined) return constant(value.BOOL, "BOOL");
  if (value.B !== undefined) return binary(text(value.B, "B"));
  if (value.SS !== undefined) return list(value.SS, "SS").map((member) => text(member, "SS"));
  if (value.BS !== undefined) return list(value.BS, "BS").map((member) => binary(text(member, "BS")));
  throw new RangeError(`a value of the unknown type ${JSON.stringify(Object.keys(value))}`);
}

/** Refuses what has no type, or more than one. */
function checkOne(value: AttributeValue): void {
  let members = 0;
  if (typeof value === "object") for (const _ in value) members++;
  if (members !== 1)
    throw new RangeError(`a value of ${members === 0 ? "no type" : "several types at once"}`);
}

function text(held: unknown, type: string): string {
  if (typeof held !== "string") throw wrong(type);
  return held;
}

function constant(held: unknown, type: string): boolean {
  if (held !== true && (held !== false || type === "NULL")) throw wrong(type);
  return held;
}

function list<Member>(held: Member[], type: string): Member[] {
  if (!Array.isArray(held)) throw wrong(type);
  return held;
}

function map(held: unknown): Item {
  if (typeof held !== "object" || held === null || Array.isArray(held)) throw wrong("M");
  return held as Item;
}

function wrong(type: string): RangeError {
  return new RangeError(`a value of the type ${type} that holds something else`);
}

function binary(base64: string): Binary {
  return new Binary(binaryOf(base64), 0);
}
