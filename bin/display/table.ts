/** Tables of a last word: a name and figures, drawn for a terminal or for a file. */
import Table from "cli-table3";

/** Columns that a name gets at least. */
const MIN_NAME = 12;

/** ASCII borders survive log files and mails. */
const PLAIN_BORDERS = {
  top: "-",
  "top-mid": "+",
  "top-left": "+",
  "top-right": "+",
  bottom: "-",
  "bottom-mid": "+",
  "bottom-left": "+",
  "bottom-right": "+",
  left: "|",
  "left-mid": "+",
  mid: "-",
  "mid-mid": "+",
  right: "|",
  "right-mid": "+",
  middle: "|",
};

/** Where a table is drawn. */
export interface TableOptions {
  /** The columns there are. */
  width: number;
  isTTY: boolean;
}

/** Draws rows whose first cell is a name; as a list where there is no room for a table. No line break at the end. */
export function drawTable(head: string[], cells: string[][], { width, isTTY }: TableOptions): string {
  const widths = head.map(
    (title, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)) + 2,
  );
  const excess = widths.reduce((sum, each) => sum + each + 1, 1) - width;
  const nameWidth = (widths[0] ?? 0) - Math.max(0, excess);
  // Too narrow for a table: the same as a list.
  if (excess > 0 && nameWidth < MIN_NAME) return list(head, cells);
  widths[0] = nameWidth;
  const table = new Table({
    head,
    colWidths: widths,
    // A long name goes on in the next line of its cell; cut, two tables could look like one.
    wordWrap: true,
    wrapOnWordBoundary: false,
    colAligns: head.map((_, at) => (at === 0 ? "left" : "right")),
    style: { head: isTTY && !process.env["NO_COLOR"] ? ["bold"] : [], border: [], compact: true },
    ...(isTTY ? {} : { chars: PLAIN_BORDERS }),
  });
  table.push(...cells);
  return table.toString();
}

function list(head: string[], rows: string[][]): string {
  return rows
    .map(([name, ...rest]) => [name, ...rest.map((cell, at) => `  ${head[at + 1]}: ${cell}`)].join("\n"))
    .join("\n");
}
