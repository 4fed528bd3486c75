/** The display where there is no terminal: a snapshot as plain lines. */
import { etaText, indexText, itemsText, percentText, spoolText, troubleText, waitText } from "./cells.ts";
import { formatCount, formatRate, formatThroughput } from "../format.ts";
import type { Figures, Snapshot } from "./meter.ts";

/** The total, then each running table. */
export function progressLines(snapshot: Snapshot): string[] {
  if (snapshot.tables === 0) return [];
  const { total, done, tables, waiting, failed } = snapshot;
  const state = [
    `${done} of ${tables} ${tables === 1 ? "table" : "tables"} done`,
    failed > 0 && `${failed} failed`,
    waiting > 0 && `${waiting} waiting`,
  ];
  return [
    join("progress:", [...state, ...details(total)]),
    ...snapshot.running.map((line) => join(`  ${line.name}:`, details(line))),
  ];
}

function details(line: Figures): (string | false)[] {
  const { expected, items, itemsPerSecond, bytesPerSecond } = line;
  const counted =
    expected === undefined ? itemsText(items) : `${formatCount(items)} of about ${itemsText(expected)}`;
  if (line.indexing) return [indexText(line), counted, spoolText(line), troubleText(line)];
  return [
    percentText(line),
    counted,
    itemsPerSecond !== undefined && formatRate(itemsPerSecond),
    bytesPerSecond !== undefined && formatThroughput(bytesPerSecond),
    etaText(line),
    spoolText(line),
    troubleText(line),
    waitText(line),
  ];
}

function join(head: string, parts: (string | false)[]): string {
  return `${head} ${parts.filter(Boolean).join(", ")}`;
}
