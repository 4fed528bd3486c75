/** The live display's contents: a snapshot as bars for a terminal. */
import { etaText, indexText, itemsText, percentText, spoolText, troubleText, waitText } from "./cells.ts";
import { cut } from "./cut.ts";
import { formatShort, formatThroughput } from "../format.ts";
import type { Figures, Snapshot } from "./meter.ts";

/** The bars of a terminal of that size: one per running table, then the total; no line is as wide as the terminal. */
export function frame(snapshot: Snapshot, { columns, rows }: { columns: number; rows: number }): string[] {
  if (snapshot.tables === 0) return [];
  const shown = snapshot.running.slice(0, Math.max(0, rows - 3));
  const hidden = snapshot.running.length - shown.length;
  // A line that fills the last column makes some terminals wrap.
  const width = Math.max(1, columns - 1);
  const lines = layOut([...shown, { ...snapshot.total, name: totalName(snapshot, nameLimit(width)) }], width);
  if (hidden > 0) lines.splice(-1, 0, `… and ${hidden} more`);
  return lines.map((line) => line.slice(0, width).trimEnd());
}

type Column = "percent" | "items" | "short" | "rate" | "throughput" | "eta" | "notes";

/** From roomy to narrow; the first that leaves room for a bar is taken. */
const LAYOUTS: readonly (readonly Column[])[] = [
  ["percent", "items", "rate", "throughput", "eta", "notes"],
  ["percent", "short", "rate", "throughput", "eta", "notes"],
  ["percent", "short", "rate", "eta", "notes"],
  ["percent", "short", "rate", "eta"],
  ["percent", "short", "rate"],
  ["percent", "rate"],
  ["percent"],
];

/** Least widths keep the layout steady while the numbers grow. */
const WIDTHS: Readonly<Record<Column, number>> = {
  percent: 4,
  items: 13,
  short: 5,
  rate: 7,
  throughput: 8,
  eta: 10,
  notes: 0,
};
const MIN_BAR = 6;
const MAX_BAR = 30;

function layOut(lines: Figures[], width: number): string[] {
  const limit = nameLimit(width);
  const names = lines.map(({ name }) => cut(name, limit));
  const nameWidth = Math.max(...names.map((name) => name.length));
  for (const columns of LAYOUTS) {
    const widths = columns.map((column) =>
      Math.max(WIDTHS[column], ...lines.map((line) => (line.indexing ? 0 : cell(line, column).length))),
    );
    const bar = width - nameWidth - 1 - widths.reduce((sum, each) => sum + each + 1, 0);
    if (bar < MIN_BAR) continue;
    return lines.map((line, index) => {
      const cells = line.indexing
        ? [indexText(line), troubleText(line)].filter(Boolean)
        : columns.map((column, at) => cell(line, column).padStart(widths[at] ?? 0));
      return [names[index]?.padEnd(nameWidth), drawBar(line, Math.min(bar, MAX_BAR)), ...cells].join(" ");
    });
  }
  return lines.map((line, index) => `${names[index]} ${cell(line, "percent")}`);
}

function nameLimit(width: number): number {
  return Math.max(9, Math.floor(width * 0.3));
}

/** `total 2/6, 3 waiting`, as much of it as there is room for. */
function totalName({ tables, done, waiting, failed }: Snapshot, limit: number): string {
  let name = `total ${done}/${tables}`;
  for (const part of [failed > 0 && `, ${failed} failed`, waiting > 0 && `, ${waiting} waiting`]) {
    if (part && name.length + part.length <= limit) name += part;
  }
  return name;
}

function drawBar({ share, indexing }: Figures, width: number): string {
  if (share === undefined && !indexing) return "╌".repeat(width);
  const full = indexing ? width : Math.floor((share ?? 0) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}

function cell(line: Figures, column: Column): string {
  switch (column) {
    case "percent":
      return percentText(line);
    case "items":
      return itemsText(line.items);
    case "short":
      return formatShort(line.items);
    case "rate":
      return line.itemsPerSecond === undefined ? "" : `${formatShort(line.itemsPerSecond)}/s`;
    case "throughput":
      return line.bytesPerSecond === undefined ? "" : formatThroughput(line.bytesPerSecond);
    case "eta":
      return etaText(line);
    case "notes":
      return [spoolText(line), troubleText(line), waitText(line)].filter(Boolean).join(", ");
  }
}
