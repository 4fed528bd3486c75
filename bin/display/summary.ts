/** The table that ends a run. */
import { amountOfRun } from "../../core/progress/eta.ts";
import { isCopied, type Progress, type TableProgress } from "../../core/progress/progress.ts";
import { formatCount, formatMean, formatSize } from "../format.ts";
import { drawTable, type Place, placeOf } from "./table.ts";

const SECOND = 1000;

/** What {@link summaryTable} takes. */
export interface SummaryOptions extends Place {
  now?: () => number;
}

interface Row {
  name: string;
  items: number;
  bytes: number;
  /** Items that this process has dealt with: what the rate is made of. */
  done: number;
  ms: number;
  indexes: number;
  overflowed: number;
  filtered: number;
  skipped: number;
}

/** Columns that are shown where there is something in them. */
const OCCASIONAL = ["filtered", "skipped"] as const;

/** Lists what became of the full phase of every table, with a total when there are several; no line break at the end. */
export function summaryTable(progress: Progress, options: SummaryOptions = {}): string {
  const time = (options.now ?? Date.now)();
  const rows = [...progress.tables.values()].map((table) => tableRow(table, time));
  if (rows.length > 1) rows.push(totalRow(progress, rows, time));
  const more = OCCASIONAL.filter((column) => rows.some((row) => row[column] > 0));
  const head = ["table", "items", "bytes", "seconds", "items/s", "indexes", "overflowed", ...more];
  const cells = rows.map((row) => [...cellsOf(row), ...more.map((column) => formatCount(row[column]))]);

  return drawTable(head, cells, placeOf(options));
}

function tableRow(table: TableProgress, time: number): Row {
  return {
    name: isCopied(table) ? table.name : `${table.name} (${table.state})`,
    items: table.written,
    bytes: table.bytes,
    done: amountOfRun(table).items,
    ms: table.startedAt === undefined ? 0 : (table.finishedAt ?? time) - table.startedAt,
    indexes: table.indexes,
    overflowed: table.overflowed,
    // Who skips counts apart from who filters.
    filtered: Math.max(0, table.filtered - table.skipped),
    skipped: table.skipped,
  };
}

function totalRow(progress: Progress, rows: Row[], time: number): Row {
  const tables = [...progress.tables.values()];
  const end = Math.max(...tables.map(({ finishedAt }) => finishedAt ?? time));
  const nothing = { items: 0, bytes: 0, done: 0, ms: 0, indexes: 0, overflowed: 0, filtered: 0, skipped: 0 };
  const total: Row = { name: "total", ...nothing };
  for (const row of rows) {
    total.items += row.items;
    total.bytes += row.bytes;
    total.done += row.done;
    total.indexes += row.indexes;
    total.overflowed += row.overflowed;
    total.filtered += row.filtered;
    total.skipped += row.skipped;
  }
  // Tables run side by side: the run's time is not the sum of theirs.
  total.ms = end - progress.startedAt;
  return total;
}

function cellsOf(row: Row): string[] {
  return [
    row.name,
    formatCount(row.items),
    formatSize(row.bytes),
    (row.ms / SECOND).toFixed(1),
    formatMean(row.done, row.ms),
    formatCount(row.indexes),
    formatCount(row.overflowed),
  ];
}
