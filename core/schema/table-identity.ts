/** Whether a table is the one that it was. */
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";
import { describeKey } from "./keys.ts";

/** Whether the table of that name is another one than it was. */
export function isAnother(now: Pick<Table, "id">, table: Table): boolean {
  return now.id !== undefined && table.id !== undefined && now.id !== table.id;
}

/**
 * Whether it is another one than what is noted. A table's key never changes: with another one it is another table, also where the
 * source gives no ids.
 *
 * @param noted the source's id of it, and its key as {@link describeKey} says it; undefined: that isn't known
 */
export function wasAnother(
  noted: { source?: string | undefined; key?: string | undefined },
  table: Table,
): boolean {
  const isOtherKey = noted.key !== undefined && noted.key !== describeKey(table);
  return isAnother({ id: noted.source }, table) || isOtherKey;
}

/**
 * The error for a table that was another one before it was copied to its end.
 *
 * @param now the other one
 */
export function madeAnew({ config }: Context, table: Table, now: Table, cause?: unknown): MigrationError {
  const what = `the table was deleted and made anew since the run began: table ${table.name}`;
  // The next start copies a table of the same key again, over what is there.
  const isMended =
    config.on_gap === "resync" && config.sync_mode !== "full" && describeKey(now) === describeKey(table);
  return new MigrationError("SOURCE_GONE", what, {
    cause,
    hint: isMended
      ? "start again: with on_gap = resync this table alone is copied again"
      : "start over with --fresh, and target.db.exist = drop or rename for what is at the target",
  });
}
