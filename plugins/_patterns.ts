/** Lists of names in an option's text, and names with `*` in them. */

/**
 * Splits at `;`. Blanks around an entry don't count, nor do empty entries. A backslash takes the meaning from
 * `:` `;` `*` `!` and itself, and stays until {@link plainName}; before anything else it is itself.
 */
export function splitList(text: string): string[] {
  return splitAt(text, ";").filter((entry) => entry !== "");
}

/** Splits one of {@link splitList}'s entries at `:`. */
export function splitPair(entry: string): string[] {
  return splitAt(entry, ":");
}

/** A name without its escapes. */
export function plainName(text: string): string {
  return text.replace(/\\([\\:;*!])/g, "$1");
}

function splitAt(text: string, separator: string): string[] {
  const parts = [""];
  for (const [piece] of text.matchAll(/\\[^]|[^]/g)) {
    if (piece === separator) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim());
}

/** A name, or a pattern whose `*` stand for any characters. */
export interface Pattern {
  /** Without escapes. */
  text: string;
  /** Whether it has no `*`. */
  isName: boolean;
  /** What its `*` stand for in a name that matches; undefined: it doesn't match. */
  match(name: string): string[] | undefined;
}

/** Makes a pattern of an entry, or of a part of one. */
export function createPattern(entry: string): Pattern {
  const text = plainName(entry);
  const pieces = splitAt(entry, "*").map(plainName);
  if (pieces.length === 1) return { text, isName: true, match: (name) => (name === text ? [] : undefined) };
  const literal = pieces.map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const expression = new RegExp(`^${literal.join("([^]*)")}$`);
  return { text, isName: false, match: (name) => expression.exec(name)?.slice(1) };
}

/** A name with what a pattern's `*` stood for in the place of its own. */
export function fillIn(entry: string, stars: string[]): string {
  return splitAt(entry, "*")
    .map(plainName)
    .reduce((name, piece, i) => name + stars[i - 1]! + piece);
}

/** How many `*` an entry has. */
export function countStars(entry: string): number {
  return splitAt(entry, "*").length - 1;
}
