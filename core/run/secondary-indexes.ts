/** Secondary indexes that the target can't have: refused with a table that is yet to be made, left out of one that is begun. */
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { notesOf } from "../progress/table-notes.ts";
import type { Table } from "../types.ts";
import { isToMake, type Place } from "./place.ts";

/**
 * Looks at the indexes of all tables; what is left out is no more in the table. An index may have come since its table
 * was begun, and leaving it out costs less than the table's changes.
 *
 * @throws MigrationError TABLE_UNFIT
 */
export function checkIndexes(ctx: Context, places: Place[]): void {
  if (!ctx.config["full.enable_index.user"]) return;
  const target = ctx.role("target");
  const refusals: MigrationError[] = [];
  for (const { table } of places.filter(isToMake)) {
    try {
      target.checkIndexes?.(table);
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      refusals.push(error);
    }
  }
  const [first] = refusals;
  if (first !== undefined) {
    throw new MigrationError(first.code, refusals.map(({ message }) => message).join("\n"), {
      cause: first,
      hint: first.hint,
    });
  }
  for (const place of places) if (!isToMake(place)) leaveOut(ctx, place.table);
}

function leaveOut(ctx: Context, table: Table): void {
  table.secondary = table.secondary.filter((index) => {
    try {
      ctx.role("target").checkIndexes?.({ ...table, secondary: [index] });
      return true;
    } catch (error) {
      const why = (error as Error).message;
      ctx.log.warn(`${why}: the index ${index.name} is left out`);
      const counters = ctx.progress.tables.get(table.name);
      if (counters !== undefined) notesOf(counters).indexesLeftOut.set(index.name, why);
      return false;
    }
  });
}
