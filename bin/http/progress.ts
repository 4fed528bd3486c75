/** `/progress`: the full phase as NimoShake gives it, and more. */
import { amountOfRun, writtenOfRun } from "../../core/progress/eta.ts";
import { isoTime } from "../../core/progress/quantities.ts";
import { isCopied, type Progress, type TableProgress } from "../../core/progress/progress.ts";

const SECOND = 1000;

/** NimoShake's fields under its names first; times are ISO 8601, durations seconds. */
export function progressReport(progress: Progress, now: number): object {
  const tables = [...progress.tables.values()];
  const finished = tables.filter(isCopied).length;
  const waiting = tables.filter(({ state }) => state === "waiting").length;
  return {
    progress: tables.length === 0 ? "-%" : `${((finished / tables.length) * 100).toFixed(2)}%`,
    total_collection_number: tables.length,
    finished_collection_number: finished,
    processing_collection_number: tables.length - finished - waiting,
    wait_collection_number: waiting,
    collection_metric: Object.fromEntries(tables.map((table) => [table.name, metric(table)])),
    started_at: new Date(progress.startedAt).toISOString(),
    tables: Object.fromEntries(tables.map((table) => [table.name, describe(table, now)])),
  };
}

/** `-` while waiting, else `12.34% (n/m)`; only a table that is done has 100 %, for m is an estimate. */
function metric(table: TableProgress): string {
  if (table.state === "waiting") return "-";
  const items = table.written + table.filtered;
  const counts = `(${items}/${table.itemCount})`;
  if (isCopied(table)) return `100% ${counts}`;
  const percent = table.itemCount > 0 ? Math.min(99.99, (items / table.itemCount) * 100) : 0;
  return `${percent.toFixed(2)}% ${counts}`;
}

function describe(table: TableProgress, now: number): object {
  const seconds = table.startedAt === undefined ? 0 : ((table.finishedAt ?? now) - table.startedAt) / SECOND;
  const items = table.written + table.filtered;
  const left = table.itemCount - items;
  // What an earlier process had done came in no time.
  const done = amountOfRun(table).items;
  const known = table.state === "copying" && done > 0 && seconds > 0 && left >= 0;
  return {
    state: table.state,
    item_count: table.itemCount,
    size_bytes: table.sizeBytes,
    read: table.read,
    filtered: table.filtered,
    written: table.written,
    bytes: table.bytes,
    overflowed: table.overflowed,
    indexes: table.indexes,
    spool_bytes: table.spoolBytes ?? 0,
    started_at: isoTime(table.startedAt),
    finished_at: isoTime(table.finishedAt),
    items_per_second: seconds > 0 ? Math.round((writtenOfRun(table) / seconds) * 10) / 10 : null,
    eta_seconds: known ? Math.round(left / (done / seconds)) : null,
  };
}
