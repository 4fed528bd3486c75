/** What is on a terminal's screen after all that a program has written: text, and its colours. */

/** A piece of a line that looks the same all along. */
export interface Span {
  text: string;
  /** As SGR numbers it, 30 to 37 and 90 to 97; undefined: the terminal's own. */
  colour: number | undefined;
  bold: boolean;
}

interface Cell extends Span {
  text: string;
}

// oxlint-disable-next-line no-control-regex
const TOKEN = /\u001B\[(\??)([\d;]*)([A-Za-z])|[^]/gu;
const BLANK: Cell = { text: " ", colour: undefined, bold: false };

/**
 * The lines of the whole session, those that were scrolled off first, without empty ones at its end.
 *
 * @param raw as it came from the program, escape sequences included
 * @param columns where a line wraps
 * @throws Error for a sequence that isn't known here
 */
export function screenOf(raw: string, columns: number): Span[][] {
  const screen: Cell[][] = [[]];
  let row = 0;
  let column = 0;
  let style: Omit<Cell, "text"> = { colour: undefined, bold: false };

  const down = (count: number): void => {
    row += count;
    while (screen.length <= row) screen.push([]);
  };
  const put = (text: string): void => {
    if (column >= columns) {
      down(1);
      column = 0;
    }
    const line = screen[row]!;
    while (line.length < column) line.push(BLANK);
    line[column++] = { text, ...style };
  };
  const control = (final: string, parameters: string): void => {
    const count = Number(parameters || 1);
    if (final === "m")
      style = parameters.split(";").reduce((from, each) => styled(from, Number(each)), style);
    else if (final === "A") row = Math.max(0, row - count);
    else if (final === "B") down(count);
    else if (final === "G") column = count - 1;
    else if (final === "K") screen[row]!.splice(parameters === "2" ? 0 : column);
    else if (final === "J") screen.splice(row + 1);
    else throw new Error(`a sequence that ends with ${final} isn't known here`);
  };

  for (const [token, question, parameters = "", final] of raw.matchAll(TOKEN)) {
    if (final !== undefined) {
      if (!question) control(final, parameters);
    } else if (token === "\n") down(1);
    else if (token === "\r") column = 0;
    else put(token);
  }
  const lines = screen.map(spansOf);
  while (lines.at(-1)?.length === 0) lines.pop();
  return lines;
}

function styled(from: Omit<Cell, "text">, code: number): Omit<Cell, "text"> {
  if (code === 0) return { colour: undefined, bold: false };
  if (code === 1 || code === 22) return { ...from, bold: code === 1 };
  if (code === 39) return { ...from, colour: undefined };
  return (code >= 30 && code <= 37) || (code >= 90 && code <= 97) ? { ...from, colour: code } : from;
}

/** Cells that look alike become one piece; blanks at the end are nothing. */
function spansOf(cells: readonly Cell[]): Span[] {
  const end = cells.findLastIndex(({ text }) => text !== " ") + 1;
  const spans: Span[] = [];
  for (const { text, colour, bold } of cells.slice(0, end)) {
    const last = spans.at(-1);
    if (last !== undefined && last.colour === colour && last.bold === bold) last.text += text;
    else spans.push({ text, colour, bold });
  }
  return spans;
}
