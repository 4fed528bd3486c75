/** Which `convert.type` documents look like, told by the BSON types of their numbers and by typed wrappers. */
import type { TargetDocument } from "../types.ts";

/** A conversion whose documents can be told from the others'. */
export type Style = "change" | "mchange" | "raw";

const TYPED = new Set(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"]);
const STYLES: Record<string, Style> = {
  Double: "mchange",
  Int32: "change",
  Long: "change",
  Decimal128: "change",
};

/**
 * The conversion that has made these documents.
 *
 * @param documents with the driver's types kept (`promoteValues: false`)
 * @returns undefined when they don't tell
 */
export function styleOf(documents: TargetDocument[]): Style | undefined {
  for (const { _id, ...document } of documents) {
    const values = Object.values(document);
    if (values.length > 0 && values.every(isTyped)) return "raw";
    for (const value of values) {
      const style = numberStyle(value);
      if (style !== undefined) return style;
    }
  }
  return undefined;
}

function isTyped(value: unknown): boolean {
  if (typeof value !== "object" || value === null || "_bsontype" in value) return false;
  const [name, ...more] = Object.keys(value);
  return more.length === 0 && name !== undefined && TYPED.has(name);
}

function numberStyle(value: unknown): Style | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if ("_bsontype" in value) return STYLES[String(value._bsontype)];
  for (const inner of Object.values(value)) {
    const style = numberStyle(inner);
    if (style !== undefined) return style;
  }
  return undefined;
}
