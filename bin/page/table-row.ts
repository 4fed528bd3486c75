/** One table's row, and what it shows when it is opened. */
import { formatCount, formatShort, formatSize } from "../format.ts";
import type { TableStatus } from "../../core/progress/run-status.ts";
import { make, makeBar, setAttribute, setBar, setText, showFacts } from "./dom.ts";
import type { TableRate } from "./rates.ts";
import { createShards } from "./shards.ts";
import { countOf, duration, rate, stateOf } from "./words.ts";

/** Columns of a run that copies, and of one that follows; the first two are the name and the state. */
export const COLUMNS = {
  full: ["Copied", "Items", "Items/s", "Left", "Retries"],
  incr: ["Behind", "Changes/s", "Changes", "Shards", "Retries"],
} as const;

/** Which of them. */
export type Layout = keyof typeof COLUMNS;

/** A row and its details, two lines of the table. */
export interface TableRow {
  lines: readonly [HTMLElement, HTMLElement];
  show(table: TableStatus, known: TableRate): void;
}

let made = 0;

/** A row that is closed. */
export function createRow(name: string, layout: Layout): TableRow {
  const detailsId = `details-${++made}`;
  const button = make(
    "button",
    { type: "button", "aria-expanded": "false", "aria-controls": detailsId },
    name,
  );
  const mark = make("span", { class: "mark" });
  const bar = makeBar(`${name} copied`);
  const cells = COLUMNS[layout].map((column) => make("td", { role: "cell", "data-label": column }));
  if (layout === "full") cells[0]!.append(bar);
  const line = make(
    "tr",
    { role: "row" },
    make("th", { role: "rowheader", scope: "row" }, button),
    make("td", { role: "cell", class: "state" }, mark),
    ...cells,
  );
  const place = make("td", { role: "cell", colspan: String(cells.length + 2) });
  const details = make("tr", { role: "row", id: detailsId, class: "details" }, place);
  details.hidden = true;
  let fill: ((table: TableStatus) => void) | undefined;
  let last: TableStatus | undefined;
  button.addEventListener("click", () => {
    details.hidden = !details.hidden;
    setAttribute(button, "aria-expanded", String(!details.hidden));
    fill ??= createDetails(place);
    if (last !== undefined && !details.hidden) fill(last);
  });
  return {
    lines: [line, details],
    show(table, known) {
      last = table;
      const { text, kind } = stateOf(table, known.isRetrying);
      const lag = layout === "full" ? (table.stream?.lagSeconds ?? null) : null;
      setText(mark, lag === null ? text : `${text}, ${duration(lag)}`);
      setAttribute(mark, "data-kind", kind);
      const texts = layout === "full" ? fullTexts(table, known) : incrTexts(table, known);
      if (layout === "full") setBar(bar, table.state === "waiting" ? 0 : table.share);
      for (const [index, value] of texts.entries()) if (value !== undefined) setText(cells[index]!, value);
      if (!details.hidden) fill?.(table);
    },
  };
}

type Texts = (string | undefined)[];

function fullTexts(table: TableStatus, { items, left }: TableRate): Texts {
  const done = table.written + table.filtered;
  const isCopying = table.state === "copying";
  return [
    undefined,
    countOf(done, table.state === "waiting" || isCopying ? table.itemCount : 0),
    isCopying && items !== null ? rate(items) : "–",
    isCopying && left !== null ? duration(left) : "–",
    formatCount(table.retries),
  ];
}

function incrTexts({ stream, retries }: TableStatus, { changes }: TableRate): Texts {
  if (stream === null) return ["–", "–", "–", "–", formatCount(retries)];
  const { lagSeconds, shards, written, filtered } = stream;
  return [
    lagSeconds === null ? "not known yet" : duration(lagSeconds),
    changes === null ? "–" : rate(changes),
    formatShort(written + filtered),
    formatCount(shards.length),
    formatCount(retries),
  ];
}

function createDetails(place: HTMLElement): (table: TableStatus) => void {
  const facts = make("dl", { class: "facts" });
  const shards = createShards();
  shards.element.hidden = true;
  place.append(facts, shards.element);
  return (table) => {
    showFacts(facts, factsOf(table));
    shards.element.hidden = table.stream === null;
    if (table.stream !== null) shards.show(table.stream);
  };
}

function factsOf(table: TableStatus): [string, string][] {
  const { stream } = table;
  const time = (at: string | null): string =>
    at === null ? "–" : `${at.slice(0, 19).replace("T", " ")} UTC`;
  const facts: [string, string][] = [
    ["Items at the source, about", `${formatCount(table.itemCount)}, ${formatSize(table.sizeBytes)}`],
    ["Items read", `${formatCount(table.read)}, ${formatSize(table.bytes)}`],
    ["Documents written", formatCount(table.written)],
    ["Left out", withPart(table.filtered, table.skipped, "of them failed")],
    ["Numbers not held exactly", formatCount(table.overflowed)],
    ["Read units", formatCount(Math.round(table.readUnits))],
    ["Indexes built", formatCount(table.indexes)],
    ["Retries", withPart(table.retries, table.throttles, "throttled")],
    ["Copy begun", time(table.startedAt)],
    ["Copy ended", time(table.finishedAt)],
  ];
  if (stream !== null) {
    facts.push(
      ["Changes read", `${formatCount(stream.read)}, ${formatSize(stream.bytes)}`],
      ["Changes applied", withPart(stream.written, stream.filtered, "left out")],
    );
  }
  if (table.spoolBytes > 0) facts.push(["Read and not applied yet", formatSize(table.spoolBytes)]);
  return facts;
}

/** `12, 3 throttled`, or `12` where the part is nothing. */
function withPart(all: number, part: number, what: string): string {
  return part === 0 ? formatCount(all) : `${formatCount(all)}, ${formatCount(part)} ${what}`;
}
