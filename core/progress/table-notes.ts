/** What is noted of a table beside its counters, for the report: a few keys, reasons and names. Of this process only. */
import type { Item } from "../types.ts";
import type { TableProgress } from "./progress.ts";

/** So many keys and reasons are kept of a table. */
export const MOST_NOTED = 5;

/** See the top of the file. */
export interface TableNotes {
  /** The keys of the first items with numbers that could not be held exactly. */
  overflowedKeys: Item[];
  /** Why the first records were skipped. */
  skipReasons: string[];
  /** The names of the indexes that were asked for, those that were there already too. */
  indexes: string[];
  /** Indexes that the target doesn't have, or not as the source's ask for it, by name, and why. */
  indexesLeftOut: Map<string, string>;
  /** What was at the target before under the table's name is called so now. */
  renamedTo?: string;
}

/** A table's, to be added to. */
export function notesOf(table: Pick<TableProgress, "notes">): TableNotes {
  return (table.notes ??= { overflowedKeys: [], skipReasons: [], indexes: [], indexesLeftOut: new Map() });
}

/** Notes why records are skipped, while there is room. */
export function noteSkip(table: TableProgress, reason: string): void {
  const { skipReasons } = notesOf(table);
  if (skipReasons.length < MOST_NOTED && !skipReasons.includes(reason)) skipReasons.push(reason);
}

/** Notes a key, while there is room. @returns whether there is room for more */
export function noteOverflowed(table: TableProgress, key: Item): boolean {
  const { overflowedKeys } = notesOf(table);
  const text = JSON.stringify(key);
  const isKnown = overflowedKeys.some((known) => JSON.stringify(known) === text);
  if (!isKnown && overflowedKeys.length < MOST_NOTED) overflowedKeys.push(key);
  return overflowedKeys.length < MOST_NOTED;
}
