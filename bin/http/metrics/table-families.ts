/** Metrics of tables: what was read and written in both phases. */
import { tableShare } from "../../../core/progress/eta.ts";
import { isCopied, type TableProgress } from "../../../core/progress/progress.ts";
import type { StreamProgress } from "../../../core/progress/stream-progress.ts";
import type { StageTimes } from "../../../core/progress/stage-times.ts";
import type { Family } from "./family.ts";

/** A counter of both phases. */
function ofPhases(
  name: string,
  help: string,
  full: (table: TableProgress) => number,
  incr: (stream: StreamProgress) => number,
): Family {
  return {
    kind: "counter",
    name,
    help,
    labels: ["table", "phase"],
    *read({ view }) {
      for (const table of view.progress.tables.values()) {
        yield { labels: { table: table.name, phase: "full" }, value: full(table) };
        if (table.stream === undefined) continue;
        yield { labels: { table: table.name, phase: "incr" }, value: incr(table.stream) };
      }
    },
  };
}

/** A metric with one value a table. */
function ofTable(
  kind: Family["kind"],
  name: string,
  help: string,
  value: (table: TableProgress) => number | undefined,
): Family {
  return {
    kind,
    name,
    help,
    labels: ["table"],
    *read({ view }) {
      for (const table of view.progress.tables.values()) {
        yield { labels: { table: table.name }, value: value(table) };
      }
    },
  };
}

const filteredBefore = ({ resumedFiltered }: TableProgress): number => resumedFiltered ?? 0;

const STAGES = { fetch: "fetchMs", convert: "convertMs", write: "writeMs" } as const;

/** Where the time of segments and shards went. */
const STAGE_SECONDS: Family = {
  kind: "counter",
  name: "nimoshake_stage_seconds_total",
  help: "Seconds that segments or shards, added up, have waited for the source, converted, or waited for the target",
  labels: ["table", "phase", "stage"],
  *read({ view }) {
    for (const { name, times, stream } of view.progress.tables.values()) {
      yield* stagesOf({ table: name, phase: "full" }, times);
      yield* stagesOf({ table: name, phase: "incr" }, stream?.times);
    }
  },
};

function* stagesOf(
  labels: Record<string, string>,
  times: StageTimes | undefined,
): ReturnType<Family["read"]> {
  if (times === undefined) return;
  for (const [stage, name] of Object.entries(STAGES)) {
    yield { labels: { ...labels, stage }, value: times[name] / 1000 };
  }
}

/** See the top of the file. What an earlier process has done isn't counted. */
export const TABLE_FAMILIES: readonly Family[] = [
  ofPhases(
    "nimoshake_items_read_total",
    "Items that were read from the table, or records from its stream",
    ({ read, resumed }) => read - resumed,
    ({ read }) => read,
  ),
  ofPhases(
    "nimoshake_items_written_total",
    "Documents that the target has acknowledged, or records that were applied there",
    (table) => table.written - (table.resumed - filteredBefore(table)),
    ({ written }) => written,
  ),
  ofPhases(
    "nimoshake_items_filtered_total",
    "Items and records that plugins have dropped",
    (table) => table.filtered - filteredBefore(table),
    ({ filtered }) => filtered,
  ),
  ofPhases(
    "nimoshake_bytes_read_total",
    "Bytes that were received from the source, as JSON",
    ({ bytes, resumedBytes }) => bytes - resumedBytes,
    ({ bytes }) => bytes,
  ),
  STAGE_SECONDS,
  ofTable(
    "counter",
    "nimoshake_items_skipped_total",
    "Items and records that an error hook wanted left out",
    ({ skipped }) => skipped,
  ),
  ofTable(
    "counter",
    "nimoshake_numbers_inexact_total",
    "Numbers that could not be held exactly, see convert.number_overflow",
    ({ overflowed, resumedOverflowed = 0 }) => overflowed - resumedOverflowed,
  ),
  ofTable(
    "counter",
    "nimoshake_consumed_read_units_total",
    "Read capacity units that reading the table has used: as the service says, else from the sizes of its pages",
    ({ readUnits }) => readUnits,
  ),
  ofTable(
    "counter",
    "nimoshake_throttled_total",
    "Calls about the table that were throttled, and made again",
    ({ throttles }) => throttles,
  ),
  ofTable(
    "gauge",
    "nimoshake_table_items",
    "Items of the table as the source has counted them last: up to six hours ago",
    ({ itemCount }) => itemCount,
  ),
  ofTable(
    "gauge",
    "nimoshake_table_size_bytes",
    "Bytes of the table as the source has counted them last",
    ({ sizeBytes }) => sizeBytes,
  ),
  ofTable(
    "gauge",
    "nimoshake_table_copied_ratio",
    "How much of the table is copied, from 0 to 1; left out while nobody knows",
    (table) => (isCopied(table) ? 1 : tableShare(table)),
  ),
  ofTable(
    "gauge",
    "nimoshake_spool_bytes",
    "What was read of the table's stream and is not applied yet, on the disk, with incr_sync_parallel",
    ({ spoolBytes }) => spoolBytes,
  ),
];
