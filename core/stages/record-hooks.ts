/** The hooks that edit records, and what they must not do to keys: an update or a delete would miss its document. */
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { fieldAt, keyAttributes } from "../schema/keys.ts";
import { checkLeft } from "./left-records.ts";
import type { Converter } from "../plugin/roles.ts";
import type { SourceRecord, Table, Unit } from "../types.ts";

/** The records as a hook leaves them. */
export async function runRecordHook(
  ctx: Context,
  name: "convert:before" | "convert:after" | "write:before",
  unit: Unit,
  records: SourceRecord[],
): Promise<SourceRecord[]> {
  if (!ctx.listens(name)) return records;
  const event = { phase: unit.phase, table: unit.table, unit, records };
  await ctx.call(name, event);
  const left: unknown = event.records;
  checkLeft(name, left, unit.table);
  return left;
}

/**
 * Refuses documents that don't have the key by which their changes will look for them.
 *
 * @throws MigrationError HOOK_FAILED naming table, key and attribute
 */
export function checkKeys(records: SourceRecord[], table: Table, fieldPath: Converter["fieldPath"]): void {
  const attributes = keyAttributes(table).map((attribute) => ({
    name: attribute.name,
    path: fieldPath(attribute),
  }));
  for (const { document, key, keys } of records) {
    if (document === undefined || key === undefined) continue;
    for (const { name, path } of attributes) {
      const found = fieldAt(document, path);
      if (isSame(found, key[path])) continue;
      const what = `a plugin ${found === undefined ? "took away" : "changed"} the key attribute ${name}`;
      throw new MigrationError("HOOK_FAILED", `${what}: table ${table.name}, key ${JSON.stringify(keys)}`, {
        hint: "leave it alone, or change it in the record's keys as well; a new name goes into the table's keys, in table:before",
      });
    }
  }
}

/** Whether two values that one converter made are the same. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  return JSON.stringify(one) === JSON.stringify(other);
}
