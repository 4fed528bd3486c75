/** Which items have numbers that could not be held exactly: a converter only counts them, so the first few are looked for. */
import type { Context } from "../plugin/context.ts";
import type { TableProgress } from "../progress/progress.ts";
import { MOST_NOTED, noteOverflowed } from "../progress/table-notes.ts";
import type { SourceRecord, Table } from "../types.ts";

/** A key that is changed again and again would be found each time: no more pages of a table are looked through. */
const MOST_LOOKS = 20;

const looks = new WeakMap<TableProgress, number>();

/**
 * Notes the keys of a page's first items that overflowed, until there are enough of its table's: they are converted once
 * more, one by one.
 *
 * @param found how many numbers of the page could not be held exactly
 * @param records gives the page's; asked only when something is looked for
 */
export function findOverflowed(
  ctx: Context,
  table: Table,
  found: number,
  records: () => Iterable<SourceRecord>,
): void {
  if (found === 0) return;
  const counters = ctx.progress.tables.get(table.name);
  if (counters === undefined || (counters.notes?.overflowedKeys.length ?? 0) >= MOST_NOTED) return;
  const before = looks.get(counters) ?? 0;
  if (before >= MOST_LOOKS) return;
  looks.set(counters, before + 1);
  let left = found;
  for (const record of records()) {
    const { overflowed } = ctx.role("convert").convert([{ ...record }], table);
    left -= overflowed;
    if (overflowed > 0 && !noteOverflowed(counters, record.keys)) return;
    if (left <= 0) return;
  }
}
