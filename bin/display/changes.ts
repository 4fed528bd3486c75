/** The table of the changes that a process has applied, at its end. */
import type { Progress } from "../../core/progress/progress.ts";
import { type StreamProgress, streamLag } from "../../core/progress/stream-progress.ts";
import { formatCount, formatDuration, formatMean, formatSize } from "../format.ts";
import { drawTable, type Place, placeOf } from "./table.ts";

const SECOND = 1000;

/** Columns that are added up. */
const SUMS = ["written", "bytes", "filtered", "overflowed"] as const;
/** Those of them that are shown where there is something in them. */
const OCCASIONAL = ["filtered", "overflowed"] as const;

interface Row extends Pick<StreamProgress, (typeof SUMS)[number]> {
  name: string;
  ms: number;
  /** Undefined: it had not caught up. */
  lag: number | undefined;
}

/**
 * Lists the changes of every table that was followed, with a total when there are several; no line break at the end.
 *
 * @param at the time at which what lags is looked at, in ms since 1970
 * @returns undefined: no stream was followed
 */
export function changesTable({ tables }: Progress, at: number, place: Place = {}): string | undefined {
  const rows = [...tables.values()].flatMap(({ name, stream }) =>
    stream ? [tableRow(name, stream, at)] : [],
  );
  if (rows.length === 0) return undefined;
  if (rows.length > 1) rows.push(totalRow(rows));
  const more = OCCASIONAL.filter((column) => rows.some((row) => row[column] > 0));
  const head = ["table", "changes", "bytes", "seconds", "changes/s", "behind", ...more];
  const cells = rows.map((row) => [
    row.name,
    formatCount(row.written),
    formatSize(row.bytes),
    (row.ms / SECOND).toFixed(1),
    formatMean(row.written, row.ms),
    row.lag === undefined ? "not caught up" : formatDuration(row.lag),
    ...more.map((column) => formatCount(row[column])),
  ]);
  return drawTable(head, cells, placeOf(place));
}

function tableRow(name: string, stream: StreamProgress, at: number): Row {
  const { written, bytes, filtered, overflowed, startedAt } = stream;
  const ms = Math.max(0, at - startedAt);
  return { name, written, bytes, filtered, overflowed, ms, lag: streamLag(stream, at) };
}

/** They are followed side by side: the longest time, and the one that is most behind. */
function totalRow(rows: Row[]): Row {
  const total: Row = { name: "total", written: 0, bytes: 0, filtered: 0, overflowed: 0, ms: 0, lag: 0 };
  for (const row of rows) {
    for (const column of SUMS) total[column] += row[column];
    total.ms = Math.max(total.ms, row.ms);
    if (row.lag === undefined || total.lag === undefined) total.lag = undefined;
    else total.lag = Math.max(total.lag, row.lag);
  }
  return total;
}
