/** Counters as a run would leave them. */
import { createProgress, type Progress, type TableProgress } from "../../core/progress/progress.ts";

/** What a test wants to say of a table; the rest is zero, and the table waiting. */
export type FakeTable = Partial<TableProgress> & { name: string };

/** A table's counters. */
export function fakeTable(table: FakeTable): TableProgress {
  return {
    state: "waiting",
    itemCount: 0,
    sizeBytes: 0,
    read: 0,
    filtered: 0,
    skipped: 0,
    written: 0,
    bytes: 0,
    readUnits: 0,
    overflowed: 0,
    indexes: 0,
    resumed: 0,
    resumedBytes: 0,
    retries: 0,
    throttles: 0,
    waitedMs: 0,
    ...table,
  };
}

/** A run of these tables. */
export function fakeProgress(startedAt: number, tables: FakeTable[]): Progress {
  return {
    ...createProgress(),
    startedAt,
    tables: new Map(tables.map((table) => [table.name, fakeTable(table)])),
  };
}
