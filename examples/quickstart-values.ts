/** Values of both sides as text, for the comparison at the end of the quickstart. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { Binary, Decimal128, Double, Int32, Long } from "mongodb";

const NUMBERS = [
  [Int32, "int"],
  [Long, "long"],
  [Double, "double"],
  [Decimal128, "decimal"],
] as const;

/** A value as DynamoDB holds it: its type, then its content. */
export function asDynamoDB(value: AttributeValue): string {
  if (value.M)
    return `M {${Object.entries(value.M)
      .map(([name, inner]) => `${name}: ${asDynamoDB(inner)}`)
      .join(", ")}}`;
  if (value.L) return `L [${value.L.map(asDynamoDB).join(", ")}]`;
  const [type, content] = Object.entries(value)[0] as [string, unknown];
  const shown = (each: unknown) =>
    each instanceof Uint8Array ? hex(each) : type.endsWith("S") ? JSON.stringify(each) : String(each);
  return `${type} ${Array.isArray(content) ? `[${content.map(shown).join(", ")}]` : shown(content)}`;
}

/** A value as MongoDB holds it: its BSON type, then its content. */
export function asMongoDB(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `bool ${value}`;
  if (value instanceof Binary) return `binData ${hex(value.value())}`;
  for (const [type, name] of NUMBERS) if (value instanceof type) return `${name} ${value}`;
  if (Array.isArray(value)) return `array [${value.map(asMongoDB).join(", ")}]`;
  return `object {${Object.entries(value)
    .map(([name, inner]) => `${name}: ${asMongoDB(inner)}`)
    .join(", ")}}`;
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
