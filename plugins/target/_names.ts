/** What names at the target have in common: two tables can't have one. */
import { MigrationError } from "../../core/errors.ts";
import type { Table } from "../../core/types.ts";

/**
 * Refuses tables whose names have problems, or that would go to one place, all at once.
 *
 * @param problems of single tables
 * @throws MigrationError TABLE_UNFIT
 */
export function refuseNames(tables: Table[], problems: string[]): void {
  const taken = new Map<string, string>();
  const clashes: string[] = [];
  for (const { name, targetName } of tables) {
    const other = taken.get(targetName);
    if (other !== undefined) clashes.push(`tables ${other} and ${name} both go to ${targetName}`);
    taken.set(targetName, name);
  }
  if (problems.length + clashes.length === 0) return;
  throw new MigrationError("TABLE_UNFIT", [...problems, ...clashes].join("\n"), {
    hint: "rename it by a plugin, or leave the table out with filter.collection.black",
  });
}
