/** The text of a condition, cut into tokens. */

/** A piece of a condition. */
export interface Token {
  /** A name is one in backticks: it is never a keyword. */
  kind: "word" | "name" | "string" | "binary" | "number" | "symbol" | "end";
  /** What it says: of a string what is meant, of a binary its base64. */
  text: string;
  /** Where it begins, from 1. */
  position: number;
}

const SPACE = /\s+/y;
const WORD = /[A-Za-z_][\w-]*/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOL = /<>|<=|>=|[=<>().,[\]]/y;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** An escape, or a run of other characters; the quote and a wrong escape are neither. */
const QUOTED = /\\(?:u([0-9a-fA-F]{4})|([nrt])|([^\w\s]))|[^\\"'`]+|["'`]/y;
const CONTROLS: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
const QUOTES: Record<string, Token["kind"]> = { '"': "string", "'": "string", "`": "name" };

/**
 * Cuts a condition into tokens; the last one's kind is `end`.
 *
 * @throws SyntaxError with the position
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;

  function take(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match !== null) at = expression.lastIndex;
    return match;
  }

  /** What is between two quotes; the first one has been taken. */
  function quoted(quote: string, position: number): string {
    let content = "";
    for (;;) {
      const match = take(QUOTED);
      if (match === null) {
        throw text[at] === undefined
          ? syntaxError(`the ${quote} is never closed`, position)
          : syntaxError(`unknown escape ${text.slice(at, at + 2)}`, at + 1);
      }
      const [piece, code, control, escaped] = match;
      if (piece === quote) return content;
      if (code !== undefined) content += String.fromCharCode(Number.parseInt(code, 16));
      else content += control === undefined ? (escaped ?? piece) : CONTROLS[control]!;
    }
  }

  function next(position: number): Omit<Token, "position"> {
    const word = take(WORD)?.[0];
    const quote = text[at];
    const isBinary = word === "b64" && (quote === '"' || quote === "'");
    if (word !== undefined && !isBinary) return { kind: "word", text: word };
    const kind = QUOTES[quote!];
    if (kind !== undefined) {
      at++;
      const content = quoted(quote!, position);
      if (isBinary && !BASE64.test(content)) throw syntaxError("this is no base64", position);
      return { kind: isBinary ? "binary" : kind, text: content };
    }
    const number = take(NUMBER)?.[0];
    if (number !== undefined) return { kind: "number", text: number };
    const symbol = take(SYMBOL)?.[0];
    if (symbol !== undefined) return { kind: "symbol", text: symbol };
    throw syntaxError(`unexpected ${String.fromCodePoint(text.codePointAt(at)!)}`, position);
  }

  for (take(SPACE); at < text.length; take(SPACE)) {
    const position = at + 1;
    tokens.push({ ...next(position), position });
  }
  return [...tokens, { kind: "end", text: "", position: text.length + 1 }];
}

/** What is wrong, and where. */
export function syntaxError(problem: string, position: number): SyntaxError {
  return new SyntaxError(`${problem} at position ${position}`);
}
