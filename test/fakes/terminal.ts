/** A terminal as far as log-update uses one: what is on its screen after all that was written. */

/** A stream whose text is interpreted as a terminal would. */
export interface FakeTerminal {
  isTTY: true;
  columns: number;
  rows: number;
  write(text: string): boolean;
  /** Makes it narrower; as in most terminals, lines wider than that wrap, and the cursor stays with its line. */
  narrow(columns: number): void;
  /** All lines, those scrolled off first, without the empty ones at the end. */
  lines(): string[];
  /** Everything written, escape sequences included. */
  raw(): string;
}

// oxlint-disable-next-line no-control-regex
const TOKEN = /\u001B\[(\??)([\d;]*)([A-Za-z])|[^]/gu;

/** Makes an empty one; lines wrap at its width. */
export function fakeTerminal(columns = 80, rows = 24): FakeTerminal {
  const screen: string[][] = [[]];
  let raw = "";
  let row = 0;
  let column = 0;

  function down(count: number): void {
    row += count;
    while (screen.length <= row) screen.push([]);
  }

  function control(final: string, parameter: string): void {
    const count = Number(parameter || 1);
    if (final === "A") row = Math.max(0, screen.length - terminal.rows, row - count);
    else if (final === "B") down(count);
    else if (final === "G") column = count - 1;
    else if (final === "K") screen[row]?.splice(parameter === "2" ? 0 : column);
    // J is left out on purpose: at the top of the screen tmux scrolls what it clears into the history
    else throw new Error(`the fake terminal knows no ${final}`);
  }

  function put(character: string): void {
    if (column >= terminal.columns) {
      down(1);
      column = 0;
    }
    const line = screen[row] as string[];
    while (line.length < column) line.push(" ");
    line[column++] = character;
  }

  const terminal: FakeTerminal = {
    isTTY: true,
    columns,
    rows,
    write(text) {
      raw += text;
      for (const [token, question, parameter = "", final] of text.matchAll(TOKEN)) {
        if (final !== undefined) {
          if (!question && final !== "m") control(final, parameter);
        } else if (token === "\n") {
          down(1);
          column = 0;
        } else if (token === "\r") column = 0;
        else put(token);
      }
      return true;
    },
    narrow(columns) {
      const above = screen.splice(0, row).flatMap((line) => wrap(line, columns));
      screen.splice(0, screen.length, ...above, ...screen);
      row = above.length;
      terminal.columns = columns;
    },
    lines() {
      const lines = screen.map((line) => line.join("").trimEnd());
      while (lines.at(-1) === "") lines.pop();
      return lines;
    },
    raw: () => raw,
  };
  return terminal;
}

function wrap(line: string[], columns: number): string[][] {
  const parts = [line.slice(0, columns)];
  for (let at = columns; at < line.length; at += columns) parts.push(line.slice(at, at + columns));
  return parts;
}
