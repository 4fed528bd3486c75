/** Tables of a last word: a name and figures, drawn for a terminal or for a file. */
import Table from "cli-table3";
import { oneLine } from "../log/plain-text.ts";

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
  /** The titles of columns with words in them, beside the first one: figures stand at the right. */
  words?: readonly string[];
}

/** Where a table goes, as far as somebody says so. */
export interface Place {
  /** The columns there are; by default the terminal's, without end off a terminal. */
  width?: number;
  /** Whether the text goes to a terminal. */
  isTTY?: boolean;
}

/** Finds out the rest. */
export function placeOf({ isTTY = process.stdout.isTTY === true, width }: Place): TableOptions {
  return { isTTY, width: width ?? (isTTY ? process.stdout.columns : undefined) ?? Number.POSITIVE_INFINITY };
}

/** Draws rows whose first cell is a name; as a list where there is no room for a table. No line break at the end. */
export function drawTable(head: string[], rows: string[][], options: TableOptions): string {
  const { width, isTTY, words = [] } = options;
  // A target's name may be a plugin's.
  const cells = rows.map((row) => row.map(oneLine));
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
    colAligns: head.map((title, at) => (at === 0 || words.includes(title) ? "left" : "right")),
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
