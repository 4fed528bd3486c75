/** The list of tables: what needs attention first, as many as one can read. */
import type { RunStatus, TableStatus } from "../../core/progress/run-status.ts";
import { arrange, byId, make, setAttribute, setText } from "./dom.ts";
import type { Rates } from "./rates.ts";
import { COLUMNS, createRow, type Layout, type TableRow } from "./table-row.ts";
import { count, stateOf } from "./words.ts";

const SECOND = 1000;
/** So many are shown before somebody asks for all. */
const FEW = 60;
/** Rows change their places this often, and not under the pointer or the focus. */
const ORDER_EVERY = 5 * SECOND;

/** Fills `root` with the list, and gives what shows a status. */
export function createTables(root: HTMLElement, rates: Rates): (status: RunStatus) => void {
  const filter = byId<HTMLInputElement>("filter");
  const sort = byId<HTMLSelectElement>("sort");
  const body = make("tbody", { role: "rowgroup" });
  const head = make("tr", { role: "row" });
  const table = make(
    "table",
    { role: "table", "aria-labelledby": "tables" },
    make("thead", { role: "rowgroup" }, head),
    body,
  );
  const none = make("p", { class: "faint" });
  const button = make("button", { type: "button" });
  root.append(table, none, button);
  const rows = new Map<string, TableRow>();
  let layout: Layout | undefined;
  let last: RunStatus | undefined;
  let isWhole = false;
  let order: string[] = [];
  let orderedAt = Number.NEGATIVE_INFINITY;
  button.addEventListener("click", () => {
    isWhole = true;
    again();
  });
  for (const input of [filter, sort]) input.addEventListener("input", again);
  return show;

  function again(): void {
    orderedAt = Number.NEGATIVE_INFINITY;
    if (last !== undefined) show(last);
  }

  function show(status: RunStatus): void {
    last = status;
    lay(layoutOf(status));
    const words = filter.value.trim().toLowerCase();
    const found = status.tables.filter(({ name }) => name.toLowerCase().includes(words));
    const byName = new Map(found.map((each) => [each.name, each]));
    reorder(found, byName);
    const shown = order.slice(0, isWhole ? order.length : FEW);
    const lines = shown.flatMap((name) => {
      const row = rows.get(name) ?? createRow(name, layout!);
      rows.set(name, row);
      row.show(byName.get(name)!, rates.of(name));
      return row.lines;
    });
    arrange(body, lines);
    table.hidden = lines.length === 0;
    setText(none, status.tables.length === 0 ? "No table is known yet." : "No table has this in its name.");
    none.hidden = lines.length > 0;
    button.hidden = shown.length === order.length;
    setText(button, `Show all ${count(order.length, "table")}`);
    setText(byId("counts"), countsOf(status, rates));
  }

  function reorder(found: TableStatus[], byName: ReadonlyMap<string, TableStatus>): void {
    const now = performance.now();
    const isSame = order.length === found.length && order.every((name) => byName.has(name));
    const isHeld = body.matches(":hover, :focus-within") && orderedAt > 0;
    if (isSame && (isHeld || now - orderedAt < ORDER_EVERY)) return;
    orderedAt = now;
    order = sorted(found, sort.value, rates).map(({ name }) => name);
  }

  function lay(wanted: Layout): void {
    if (layout === wanted) return;
    layout = wanted;
    rows.clear();
    const titles = ["Table", "State", ...COLUMNS[wanted]];
    head.replaceChildren(...titles.map((title) => make("th", { role: "columnheader", scope: "col" }, title)));
    setAttribute(table, "data-layout", wanted);
  }
}

/** Tables are followed as soon as they are copied: while others aren't, it is a run that copies. */
function layoutOf({ phase, tables }: RunStatus): Layout {
  const isFollowing = tables.some(({ stream }) => stream !== null);
  return phase === "incr" || (phase === "done" && isFollowing) ? "incr" : "full";
}

function sorted(tables: readonly TableStatus[], by: string, rates: Rates): TableStatus[] {
  const rank = (table: TableStatus): number => stateOf(table, rates.of(table.name).isRetrying).rank;
  const lag = ({ stream }: TableStatus): number => stream?.lagSeconds ?? Number.MAX_VALUE;
  if (by === "name") return tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (by === "behind") return tables.toSorted((a, b) => lag(b) - lag(a));
  if (by === "items") return tables.toSorted((a, b) => b.itemCount - a.itemCount);
  const ranks = new Map(tables.map((table) => [table, rank(table)]));
  return tables.toSorted((a, b) => ranks.get(a)! - ranks.get(b)!);
}

/** `60 tables: 2 behind, 58 up to date`. */
function countsOf({ tables }: RunStatus, rates: Rates): string {
  const counts = new Map<string, number>();
  for (const table of tables) {
    const [text] = stateOf(table, rates.of(table.name).isRetrying).text.split(",");
    counts.set(text!, (counts.get(text!) ?? 0) + 1);
  }
  const parts = [...counts].map(([text, number]) => `${number} ${text}`);
  return `${count(tables.length, "table")}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}
