/** A terminal's screen as an SVG: a window with lines of text, which no font makes wider. */
import type { Span } from "./screen.ts";

const FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";
const SIZE = { font: 14, character: 8.4, line: 19, margin: 20, top: 56 };
const [BACK, TEXT] = ["#0f1726", "#d6deeb"];
const BUTTONS = ["#f07178", "#ffcb6b", "#a5d6a7"];
/** By the last digit of the colour's number; bright ones look the same. */
const COLOURS = ["#7f8ea3", "#f07178", "#a5d6a7", "#ffcb6b", "#82aaff", "#c792ea", "#89ddff", TEXT];

/** @param columns how wide the window is; a line that is wider is drawn over its edge */
export function terminalSvg(lines: readonly Span[][], columns: number): string {
  const width = Math.ceil(columns * SIZE.character + 2 * SIZE.margin);
  const height = SIZE.top + lines.length * SIZE.line;
  const buttons = BUTTONS.map((fill, at) => `<circle cx="${20 + 20 * at}" cy="18" r="6" fill="${fill}"/>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${FONT}" font-size="${SIZE.font}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACK}"/>${buttons.join("")}`,
    ...lines.map((line, at) => lineSvg(line, SIZE.top + at * SIZE.line)),
    "</svg>\n",
  ].join("\n");
}

/** Blanks aren't drawn: each piece says where it begins and how wide it is, so that columns stay below each other. */
function lineSvg(line: readonly Span[], y: number): string {
  let column = 0;
  const pieces = line.map(({ text, colour, bold }) => {
    const at = column;
    column += text.length;
    const inner = text.trim();
    if (inner === "") return "";
    const x = SIZE.margin + (at + text.indexOf(inner)) * SIZE.character;
    const look = `${colour === undefined ? "" : ` fill="${COLOURS[colour % 10]}"`}${bold ? ' font-weight="bold"' : ""}`;
    const wide = (inner.length * SIZE.character).toFixed(1);
    return `<tspan x="${x.toFixed(1)}" textLength="${wide}" lengthAdjust="spacingAndGlyphs"${look}>${escaped(inner)}</tspan>`;
  });
  return `<text y="${y}" fill="${TEXT}" xml:space="preserve">${pieces.join("")}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
