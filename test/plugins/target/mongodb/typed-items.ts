/** Items as MongoDB stores them, field by field with their BSON types: written apart from the converters. */
import type { AttributeValue, Item } from "../../../../core/types.ts";
import { type Field, readDocument } from "../../../fakes/bson-types.ts";

/** A BSON type and a value. */
type Typed = [type: string, value: unknown];

/** An item as `convert.type = change` has it. */
export function changed(item: Item): Field[] {
  return Object.entries(item).map(([name, value]) => [name, ...plain(value)]);
}

/** An item as `convert.type = raw` has it. */
export function raw(item: Item): Field[] {
  return Object.entries(item).map(([name, value]) => [name, ...typed(value)]);
}

/** A stored document to compare with these, without the `_id` made up for it. */
export function stored(bytes: Uint8Array): Field[] {
  return readDocument(bytes)
    .filter(([name]) => name !== "_id")
    .map(([name, ...value]) => [name, ...shortest(value)]);
}

function plain(value: AttributeValue): Typed {
  const [[type, held]] = Object.entries(value) as [[keyof AttributeValue, never]];
  if (type === "N") return number(held);
  if (type === "M") return ["document", changed(held)];
  if (type === "L") return ["array", (held as AttributeValue[]).map(plain)];
  if (type === "NS") return ["array", (held as string[]).map(number)];
  return scalar(type, held);
}

function typed(value: AttributeValue): Typed {
  const [[type, held]] = Object.entries(value) as [[keyof AttributeValue, never]];
  const inner = (): Typed => {
    if (type === "M") return ["document", raw(held)];
    if (type === "L") return ["array", (held as AttributeValue[]).map(typed)];
    if (type === "NULL") return ["bool", true];
    return scalar(type, held);
  };
  return ["document", [[type, ...inner()]]];
}

function scalar(type: keyof AttributeValue, held: unknown): Typed {
  if (type === "B") return binary(held as string);
  if (type === "BS") return ["array", (held as string[]).map(binary)];
  if (type === "SS" || type === "NS") return ["array", (held as string[]).map((text) => ["string", text])];
  if (type === "NULL") return ["null", null];
  return [type === "BOOL" ? "bool" : "string", held];
}

const binary = (base64: string): Typed => ["binary 0", Buffer.from(base64, "base64").toString("hex")];

function number(digits: string): Typed {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits)!;
  const coefficient = BigInt(`${sign}${whole}${fraction}`);
  const significant = String(coefficient).replace("-", "").replace(/0+$/, "");
  if (fraction === "") {
    if (BigInt.asIntN(32, coefficient) === coefficient) return ["int32", Number(coefficient)];
    if (BigInt.asIntN(64, coefficient) === coefficient) return ["int64", coefficient];
  }
  if (significant.length > 34) return ["string", digits];
  return shortest(["decimal128", `${coefficient}e${-fraction.length}`]);
}

/** Decimals without zeros at their end, which mean nothing. */
function shortest([type, value]: Typed): Typed {
  if (Array.isArray(value) && type === "array") return [type, (value as Typed[]).map(shortest)];
  if (Array.isArray(value)) {
    return [type, (value as Field[]).map(([name, ...inner]) => [name, ...shortest(inner)])];
  }
  if (type !== "decimal128") return [type, value];
  const [, digits, zeros, exponent] = /^(-?\d+?)(0*)e(-?\d+)$/.exec(value as string)!;
  return [type, `${digits}e${Number(exponent) + zeros!.length}`];
}
