/** The tables that a stopped run ends with: those that it hasn't shown when its full phase was done. */
import { isCopied } from "../../core/progress/progress.ts";
import { endOf } from "../../core/report/outcome.ts";
import type { Finished } from "../report.ts";
import { changesTable } from "./changes.ts";
import { summaryTable } from "./summary.ts";

/** What is copied, unless all is, then the changes that were applied; each without a line break at its end. */
export function lastTables({ input: { progress, outcome, endedAt } }: Finished): string[] {
  const tables = [...progress.tables.values()];
  const changes = changesTable(progress, endOf(outcome, endedAt));
  return [
    ...(tables.every(isCopied) ? [] : [summaryTable(progress, { now: () => endedAt })]),
    ...(changes === undefined ? [] : [changes]),
  ];
}
