/** Rows as aligned columns. */
import { formatDuration } from "../format.ts";

const SECOND = 1000;

/** A time in seconds: `1h 3m`, `<1s`. */
export function spanText(seconds: number): string {
  return seconds < 1 ? "<1s" : formatDuration(seconds * SECOND);
}

/** Rows under their titles, two blanks apart; a column with nothing in it is left out. Numbers stand at the right. */
export function columns(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const used = titles.flatMap((_, at) => (rows.some((row) => row[at] !== "") ? [at] : []));
  const widths = used.map((at) => Math.max(titles[at]!.length, ...rows.map((row) => row[at]!.length)));
  const isRight = used.map((at) => rows.every((row) => row[at] === "" || /^[<~\d]/.test(row[at]!)));
  return [titles, ...rows].map((row) =>
    used
      .map((at, i) => (isRight[i] && i > 0 ? row[at]!.padStart(widths[i]!) : row[at]!.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
