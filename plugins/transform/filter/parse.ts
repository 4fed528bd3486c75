/** The text of a condition as a {@link Condition}: DynamoDB's condition expressions with literals in them. */
import type { AttributeValue } from "../../../core/types.ts";
import { compareValues } from "./compare.ts";
import { checkBounds, checkPaths, literal } from "./operands.ts";
import { syntaxError, type Token, tokenize } from "./tokens.ts";
import type { Comparator, Condition, Operand, Path } from "./condition.ts";

/** What a condition is made of, for hints. */
export const CONDITION_HINT: string =
  "a condition is made of = <> < <= > >=, BETWEEN, IN, AND, OR, NOT, ( ), attribute_exists, " +
  "attribute_not_exists, attribute_type, begins_with, contains and size, of paths (other names in backticks), " +
  'and of literals: 1.5, "text", b64"AQI=", true, false, null';

const COMPARATORS: readonly string[] = ["=", "<>", "<", "<=", ">", ">="] satisfies Comparator[];
const KEYWORDS: readonly string[] = ["and", "or", "not", "between", "in", "true", "false", "null"];
const TYPES: readonly string[] = ["S", "SS", "N", "NS", "B", "BS", "BOOL", "NULL", "L", "M"];
/** So deep may conditions be inside each other. */
const DEEPEST = 100;

/**
 * Reads a condition.
 *
 * @throws SyntaxError with the position
 */
export function parseCondition(text: string): Condition {
  const tokens = tokenize(text);
  let at = 0;
  let depth = 0;

  const peek = (ahead = 0): Token => tokens[Math.min(at + ahead, tokens.length - 1)]!;
  const isSymbol = (symbol: string, ahead = 0): boolean =>
    peek(ahead).kind === "symbol" && peek(ahead).text === symbol;
  const wordOf = ({ kind, text }: Token): string => (kind === "word" ? text.toLowerCase() : "");

  function expected(what: string): SyntaxError {
    const { kind, text, position } = peek();
    const found = kind === "end" ? "the end" : kind === "string" ? JSON.stringify(text) : text;
    return syntaxError(`expected ${what}, found ${found}`, position);
  }

  function takeSymbol(symbol: string): void {
    if (!isSymbol(symbol)) throw expected(symbol);
    at++;
  }

  function takesWord(word: string): boolean {
    const is = wordOf(peek()) === word;
    if (is) at++;
    return is;
  }

  function deeper<Result>(parse: () => Result): Result {
    if (++depth > DEEPEST)
      throw syntaxError(`more than ${DEEPEST} conditions inside each other`, peek().position);
    const result = parse();
    depth--;
    return result;
  }

  const anyOf = (): Condition => chain("or", () => chain("and", negation));

  function chain(is: "and" | "or", parse: () => Condition): Condition {
    const first = parse();
    const of = [first];
    while (takesWord(is)) of.push(parse());
    return of.length === 1 ? first : { is, of };
  }

  function negation(): Condition {
    return takesWord("not") ? { is: "not", of: deeper(negation) } : simple();
  }

  function simple(): Condition {
    if (!isSymbol("(")) return call() ?? comparison();
    at++;
    const inner = deeper(anyOf);
    takeSymbol(")");
    return inner;
  }

  /** A function that is a condition. */
  function call(): Condition | undefined {
    const is = wordOf(peek());
    if (!isSymbol("(", 1) || is === "" || is === "size" || KEYWORDS.includes(is)) return undefined;
    switch (is) {
      case "attribute_exists":
      case "attribute_not_exists": {
        return { is, path: inBrackets(path) };
      }
      case "attribute_type": {
        const [of, type] = inBrackets(() => [path(), second(typeName)] as const);
        return { is, path: of, type };
      }
      case "begins_with":
      case "contains": {
        const [of, value] = inBrackets(() => [path(), second(is === "contains" ? operand : start)] as const);
        return { is, path: of, operand: value };
      }
      default:
        throw syntaxError(`unknown function ${peek().text}`, peek().position);
    }
  }

  /** What a function takes; its name is the next token. */
  function inBrackets<Result>(parse: () => Result): Result {
    at++;
    takeSymbol("(");
    const result = parse();
    takeSymbol(")");
    return result;
  }

  function second<Result>(parse: () => Result): Result {
    takeSymbol(",");
    return parse();
  }

  function typeName(): keyof AttributeValue {
    const { kind, text } = peek();
    if (kind !== "string" || !TYPES.includes(text)) throw expected(`one of "${TYPES.join('", "')}"`);
    at++;
    return text as keyof AttributeValue;
  }

  function start(): Operand {
    const { position } = peek();
    const found = operand();
    if (!("value" in found) || found.value.S !== undefined || found.value.B !== undefined) return found;
    throw syntaxError("begins_with takes a text or a binary", position);
  }

  function comparison(): Condition {
    const { position } = peek();
    const left = operand();
    if (takesWord("between")) {
      const bounds = peek().position;
      const low = orderedOperand();
      if (!takesWord("and")) throw expected("AND");
      const high = orderedOperand();
      checkBounds(low, high, bounds);
      checkPaths([left, low, high], position);
      return { is: "between", operand: left, low, high };
    }
    if (takesWord("in")) {
      takeSymbol("(");
      const list = [operand()];
      while (isSymbol(",")) list.push(second(operand));
      takeSymbol(")");
      checkPaths([left, ...list], position);
      return { is: "in", operand: left, list };
    }
    const by = peek().text;
    if (peek().kind !== "symbol" || !COMPARATORS.includes(by)) {
      throw expected(`one of ${COMPARATORS.join(" ")}, BETWEEN, IN`);
    }
    at++;
    const right = by === "=" || by === "<>" ? operand() : orderedOperand();
    checkPaths([left, right], position);
    return { is: "compare", by: by as Comparator, left, right };
  }

  function orderedOperand(): Operand {
    const { position, text } = peek();
    const found = operand();
    if ("value" in found && compareValues(found.value, found.value) === undefined) {
      throw syntaxError(`${text} has no order: it can only be equal or not`, position);
    }
    return found;
  }

  function operand(): Operand {
    if (wordOf(peek()) === "size" && isSymbol("(", 1)) return { size: inBrackets(path) };
    const value = literal(peek());
    if (value === undefined) return { path: path() };
    at++;
    return { value };
  }

  function path(): Path {
    if (KEYWORDS.includes(wordOf(peek()))) throw expected("a path or a literal");
    const steps: Path = [name("a path or a literal")];
    for (;;) {
      if (isSymbol(".")) {
        at++;
        steps.push(name("a name"));
      } else if (isSymbol("[")) {
        at++;
        const { kind, text } = peek();
        if (kind !== "number" || !/^\d{1,9}$/.test(text)) throw expected("a place in a list");
        steps.push(Number(text));
        at++;
        takeSymbol("]");
      } else return steps;
    }
  }

  function name(what: string): string {
    const { kind, text } = peek();
    if ((kind !== "word" && kind !== "name") || text === "") throw expected(what);
    at++;
    return text;
  }

  const condition = anyOf();
  if (peek().kind !== "end") throw expected("AND, OR or the end");
  return condition;
}
