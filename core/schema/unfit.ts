/** What is wrong with one item, with its table and key. */
import { type ErrorDetails, MigrationError } from "../errors.ts";
import type { SourceRecord, Table } from "../types.ts";

/** An item in words, as errors name it. */
export function whereIs({ keys }: Pick<SourceRecord, "keys">, { name }: Table): string {
  return `table ${name}, key ${JSON.stringify(keys)}`;
}

/** The error for an item that the target can't have as it is. */
export function unfit(
  what: string,
  record: Pick<SourceRecord, "keys">,
  table: Table,
  details?: ErrorDetails,
): MigrationError {
  return new MigrationError("DATA_UNFIT", `${what}: ${whereIs(record, table)}`, {
    hint: "correct the item at the source, or leave its table out",
    ...details,
  });
}
