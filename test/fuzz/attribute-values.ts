/** What DynamoDB's JSON may hold, written down once more and strictly, for the fuzz tests to compare with. */
import type { Item } from "../../core/types.ts";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}==|[\w+/-]{3}=)?$/;

const isText = (value: unknown): boolean => typeof value === "string" && value.isWellFormed();
const isDecimal = (value: unknown): boolean => typeof value === "string" && NUMBER.test(value);
const isBinary = (value: unknown): boolean => typeof value === "string" && BASE64.test(value);
const listOf =
  (isMember: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(isMember);

/**
 * What says whether a value is an item, of names that BSON can hold.
 *
 * @param keepsNumbers whether a number is a text like another
 */
export function itemCheck(keepsNumbers: boolean): (value: unknown) => value is Item {
  const isNumber = keepsNumbers ? isText : isDecimal;
  const types = new Map<string, (value: unknown) => boolean>([
    ["S", isText],
    ["N", isNumber],
    ["B", isBinary],
    ["BOOL", (value) => typeof value === "boolean"],
    ["NULL", (value) => value === true],
    ["M", isItem],
    ["L", (value) => listOf(isValue)(value)],
    ["SS", listOf(isText)],
    ["NS", listOf(isNumber)],
    ["BS", listOf(isBinary)],
  ]);

  function isValue(value: unknown): boolean {
    if (!isObject(value)) return false;
    const members = Object.entries(value);
    const [type, held] = members[0] ?? ["", undefined];
    return members.length === 1 && types.get(type)?.(held) === true;
  }

  function isItem(value: unknown): value is Item {
    const isFit = ([name, held]: [string, unknown]): boolean =>
      isText(name) && !name.includes("\0") && isValue(held);
    return isObject(value) && Object.entries(value).every(isFit);
  }
  return isItem;
}

/** Whether it is an object, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A body as JSON; undefined: it is none, or no UTF-8. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** A body whose texts have control characters as escapes; the same one when they have none. */
export function escaped(body: Buffer): Buffer {
  if (!body.some((byte) => byte < 0x20)) return body;
  let inside = false;
  let wasBackslash = false;
  let text = "";
  for (const unit of body.toString("latin1")) {
    text += inside && unit < " " ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}` : unit;
    if (unit === '"' && !wasBackslash) inside = !inside;
    wasBackslash = unit === "\\" && !wasBackslash;
  }
  return Buffer.from(text, "latin1");
}
