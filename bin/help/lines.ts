/** Texts that fit a terminal: words are broken at its edge, and a column of names has its explanations beside it. */
import wrapAnsi from "wrap-ansi";

/** Without a terminal, and at most: longer lines are hard to read. */
const WIDEST = 100;
/** Explanations of fewer columns stand below their names. */
const NARROWEST = 30;
const INDENT = "  ";

/** The columns that a text may take. */
export function widthOf({ columns }: { columns?: number }): number {
  return columns === undefined || columns === 0 ? WIDEST : Math.min(columns, WIDEST);
}

/** A text broken at the edge, each line behind the same blanks. */
export function paragraph(text: string, width: number, indent: string = INDENT): string {
  const lines = wrapAnsi(text, Math.max(width - indent.length, 1), { trim: true }).split("\n");
  return lines.map((line) => `${indent}${line}`.trimEnd()).join("\n");
}

/** Names with their explanations. */
export function twoColumns(rows: readonly (readonly [name: string, text: string])[], width: number): string {
  const longest = Math.max(...rows.map(([name]) => name.length));
  const beside = INDENT.length + longest + INDENT.length;
  const indent = " ".repeat(width - beside >= NARROWEST ? beside : 3 * INDENT.length);
  return rows
    .map(([name, text]) => {
      const below = paragraph(text, width, indent);
      if (indent.length < beside) return `${INDENT}${name}\n${below}`;
      return `${INDENT}${name.padEnd(longest)}${INDENT}${below.trimStart()}`.trimEnd();
    })
    .join("\n");
}
