/** What an earlier start has done of a table counts from the begin on. */
import type { TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import type { Resumption } from "../plugin/roles.ts";
import type { Table } from "../types.ts";

/** Takes up a table's counters; gives how far its units are. */
export function takeUp(ctx: Context, table: Table, checkpoint: TableCheckpoint): Resumption["units"] {
  const counters = ctx.progress.tables.get(table.name)!;
  const units = ctx
    .role("source")
    .units(table, checkpoint.state?.units)
    .map((unit) => {
      const { read, filtered, overflowed, bytes } = checkpoint.unit(unit) ?? NOTHING;
      counters.read += read;
      counters.filtered += filtered;
      counters.written += read - filtered;
      counters.overflowed += overflowed;
      counters.bytes += bytes;
      return { unit, written: read - filtered };
    });
  counters.resumed = counters.read;
  counters.resumedBytes = counters.bytes;
  counters.resumedFiltered = counters.filtered;
  counters.resumedOverflowed = counters.overflowed;
  return units;
}

const NOTHING = { read: 0, filtered: 0, overflowed: 0, bytes: 0 };
