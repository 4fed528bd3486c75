/** What a condition compares: its literals, and what can't be compared. */
import { parseDecimal } from "../../../core/schema/decimal.ts";
import type { AttributeValue } from "../../../core/types.ts";
import { compareValues } from "./compare.ts";
import { syntaxError, type Token } from "./tokens.ts";
import type { Operand } from "./condition.ts";

/** DynamoDB's: significant digits, and the exponent of the first one. */
const MOST_DIGITS = 38;
const EXPONENTS = [-130, 125] as const;

/** The value of a literal; undefined: the token is none. */
export function literal({ kind, text, position }: Token): AttributeValue | undefined {
  if (kind === "string") return { S: text };
  // As the service writes it: the last digit's unused bits are zero.
  if (kind === "binary") return { B: Buffer.from(text, "base64").toString("base64") };
  if (kind === "number") {
    const { digits, exponent } = parseDecimal(text);
    const first = exponent + digits.length - 1;
    const fits = digits.length <= MOST_DIGITS && first >= EXPONENTS[0] && first <= EXPONENTS[1];
    if (digits !== "" && !fits) throw syntaxError(`${text} is no number that DynamoDB has`, position);
    return { N: text };
  }
  const word = kind === "word" ? text.toLowerCase() : "";
  if (word === "null") return { NULL: true };
  return word === "true" || word === "false" ? { BOOL: word === "true" } : undefined;
}

/** A name in quotes would be a text, and the condition the same for every item. */
export function checkPaths(operands: Operand[], position: number): void {
  if (operands.some((operand) => !("value" in operand))) return;
  throw syntaxError("no attribute is compared here (a name has no quotes, or backticks)", position);
}

/** Bounds that nothing can be between are refused, as in DynamoDB. */
export function checkBounds(low: Operand, high: Operand, position: number): void {
  if (!("value" in low && "value" in high)) return;
  const order = compareValues(low.value, high.value);
  if (order === undefined) throw syntaxError("the bounds of BETWEEN are of two types", position);
  if (order > 0) throw syntaxError("the lower bound of BETWEEN is above the upper one", position);
}
