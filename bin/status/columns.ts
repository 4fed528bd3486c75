/** Rows as aligned columns. */
import { cut } from "../display/cut.ts";
import { formatDuration } from "../format.ts";

const SECOND = 1000;
/** Words aren't cut shorter than this. */
const NARROWEST = 14;

/** A time in seconds: `1h 3m`, `<1s`. */
export function spanText(seconds: number): string {
  return seconds < 1 ? "<1s" : formatDuration(seconds * SECOND);
}

/** How wide lines may be, and what goes where they would be wider. */
export interface Fit {
  /** Default: as wide as they are. */
  width?: number | undefined;
  /** Titles of columns that are left out, the first one first. */
  spare?: readonly string[];
}

/**
 * Rows under their titles, two blanks apart; a column with nothing in it is left out. Numbers stand at the right.
 * Where there is too little room words are cut in their middle, and then columns are left out.
 */
export function columns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { width = Number.POSITIVE_INFINITY, spare = [] }: Fit = {},
): string[] {
  const used = titles.flatMap((_, at) => (rows.some((row) => row[at] !== "") ? [at] : []));
  const widths = used.map((at) => Math.max(titles[at]!.length, ...rows.map((row) => row[at]!.length)));
  const isRight = used.map(
    (at, i) => i > 0 && rows.every((row) => row[at] === "" || /^[<~\d]/.test(row[at]!)),
  );
  let excess = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  for (; excess > 0; excess--) {
    const words = widths.map((each, i) => (isRight[i] ? 0 : each));
    const widest = Math.max(...words);
    if (widest <= NARROWEST) break;
    widths[words.indexOf(widest)] = widest - 1;
  }
  const [first, ...others] = spare.filter((title) => used.some((at) => titles[at] === title));
  if (excess > 0 && first !== undefined) {
    const kept = titles.flatMap((title, at) => (title === first ? [] : [at]));
    const pick = (row: readonly string[]): string[] => kept.map((at) => row[at]!);
    return columns(pick(titles), rows.map(pick), { width, spare: others });
  }
  return [titles, ...rows].map((row) =>
    used
      .map((at, i) => {
        const text = cut(row[at]!, widths[i]!);
        return isRight[i] ? text.padStart(widths[i]!) : text.padEnd(widths[i]!);
      })
      .join("  ")
      .trimEnd(),
  );
}
