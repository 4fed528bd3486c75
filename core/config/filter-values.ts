/** The values of `full.read.filter_expression`, in the guide's notation. */
import type { AttributeValue } from "../types.ts";

/** ExpressionAttributeValues, or what is wrong with the text. */
export type AttributeValues =
  | { values: Record<string, AttributeValue>; problem?: undefined }
  | { values?: undefined; problem: string };

const FORM = "an entry is name```type```value, entries are separated by ~~~";
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** One type's way from text to value; undefined when the text can't be one. */
const TYPES: Record<string, (text: string) => AttributeValue | undefined> = {
  S: (text) => ({ S: text }),
  N: (text) => (NUMBER.test(text.trim()) ? { N: text.trim() } : undefined),
  B: (text) => (BASE64.test(text.trim()) ? { B: text.trim() } : undefined),
  BOOL: (text) => (/^(true|false)$/i.test(text.trim()) ? { BOOL: /^true$/i.test(text.trim()) } : undefined),
  NULL: (text) => (/^(true)?$/i.test(text.trim()) ? { NULL: true } : undefined),
};

/**
 * Reads `full.read.filter_attributevalues`: types S, N, B (base64), BOOL and NULL (empty or true).
 * The colon before each name is added here; blanks inside an S value count.
 *
 * @example
 * parseAttributeValues("begin```N```1~~~who```S```x").values // { ":begin": { N: "1" }, ":who": { S: "x" } }
 */
export function parseAttributeValues(text: string): AttributeValues {
  const values: Record<string, AttributeValue> = {};
  if (text.trim() === "") return { values };
  for (const [index, entry] of text.split("~~~").entries()) {
    const parts = entry.split("```");
    const [rawName = "", rawType = "", value = ""] = parts;
    if (parts.length !== 3)
      return { problem: `entry ${index + 1} has ${parts.length} parts instead of 3; ${FORM}` };
    const name = rawName.trim().replace(/^:/, "");
    const type = rawType.trim();
    if (!/^\w+$/.test(name))
      return { problem: `entry ${index + 1} needs a name of letters, digits and "_"; ${FORM}` };
    if (!Object.hasOwn(TYPES, type)) {
      return {
        problem: `entry ${index + 1} (${name}) has an unknown type; allowed are ${Object.keys(TYPES).join(", ")}`,
      };
    }
    const parsed = TYPES[type]?.(value);
    if (parsed === undefined)
      return { problem: `entry ${index + 1} (${name}) has a value that is no ${type}` };
    if (Object.hasOwn(values, `:${name}`))
      return { problem: `entry ${index + 1} gives ${name} a second time` };
    values[`:${name}`] = parsed;
  }
  return { values };
}

/** The variables an expression uses, with their colon. An expression has no literals, so every `:name` is one. */
export function expressionVariables(expression: string): Set<string> {
  return new Set(expression.match(/:\w+/g));
}
