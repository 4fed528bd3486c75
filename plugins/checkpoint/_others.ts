/** What is in NimoShake's place under a table's name and isn't a shard's row: somebody else's, which nobody may drop. */
import { MigrationError } from "../../core/errors.ts";
import type { Table } from "../../core/types.ts";
import { inParallel } from "../../core/flow/parallel.ts";
import { STATUS } from "./_nimoshake.ts";

/** Names looked at at once. */
const LOOKS = 8;

/** The field that every row under a name has, with text in it. */
export const rowField = (name: string): "Key" | "ShardId" => (name === STATUS ? "Key" : "ShardId");

/** Whether what was read is a row as it is kept under a name. */
export function isRow(name: string, found: Record<string, unknown>): boolean {
  return typeof found[rowField(name)] === "string";
}

/**
 * Refuses tables, and the status, whose place somebody else has; changes nothing.
 *
 * @param refuse looks at the place of one name
 * @throws MigrationError CHECKPOINT_MISMATCH with the first of them
 */
export async function refuseOthers(
  tables: readonly Table[],
  refuse: (name: string) => Promise<void>,
): Promise<void> {
  if (tables.length === 0) return;
  await inParallel([STATUS, ...tables.map(({ name }) => `shards:${name}`)], LOOKS, refuse);
}

/**
 * Of the names in NimoShake's layout those whose place nobody else has.
 *
 * @param hasOthers asks the place of one name
 */
export async function withoutOthers(
  names: readonly string[],
  hasOthers: (name: string) => Promise<boolean>,
): Promise<string[]> {
  const others = await inParallel(names, LOOKS, hasOthers);
  return names.filter((_, i) => !others[i]);
}

/**
 * The error for a place that somebody else has.
 *
 * @param where the place in words
 * @param hint how to find another one
 */
export function othersThere(where: string, hint: string): MigrationError {
  return new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the positions of a table's stream would be kept there, and something else is there: ${where}`,
    { hint },
  );
}
