/** Whether a table is the one that it was. */
import { MigrationError } from "../errors.ts";
import type { Table } from "../types.ts";

/** Whether the table of that name is another one than it was. */
export function isAnother(now: Pick<Table, "id">, table: Table): boolean {
  return now.id !== undefined && table.id !== undefined && now.id !== table.id;
}

/** The error for a table that was another one before it was copied to its end. */
export function madeAnew({ name }: Table, cause?: unknown): MigrationError {
  const what = `the table was deleted and made anew since the run began: table ${name}`;
  return new MigrationError("SOURCE_GONE", what, {
    cause,
    hint: "start over with --fresh, and target.db.exist = drop or rename for what is at the target",
  });
}
