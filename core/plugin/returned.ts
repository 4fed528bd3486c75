/** What plugins return, looked at before anything is counted by it: a NaN would make every comparison come out well. */
import { MigrationError } from "../errors.ts";
import { isCount, isObject } from "./shape.ts";
import type { Page, SegmentUnit, SourceRecord, Table, WriteResult } from "../types.ts";

const COUNTS = ["inserted", "replaced", "deleted", "duplicates"] as const;

/**
 * What became of a write.
 *
 * @throws MigrationError PLUGIN_INVALID when it doesn't say
 */
export function checkedResult(result: WriteResult): WriteResult {
  const wrong = COUNTS.find((name) => !isCount((result as Partial<WriteResult> | undefined)?.[name]));
  if (wrong !== undefined) throw invalid(`the target doesn't say of a write how many are ${wrong}`, "target");
  // Of a clock that was set back meanwhile it is negative.
  if (Number.isFinite(result.ms)) return result.ms < 0 ? { ...result, ms: 0 } : result;
  throw invalid("the target doesn't say how long a write took (ms)", "target");
}

/** The units of a table that is copied; without any it would count as copied. @throws MigrationError PLUGIN_INVALID */
export function checkedUnits(units: SegmentUnit[], { name }: Table): SegmentUnit[] {
  if (units.length > 0) return units;
  throw invalid(`the source gives no units to copy: table ${name}`, "source");
}

/** How many documents the target says it has. @throws MigrationError PLUGIN_INVALID */
export function checkedCount(count: number, { name }: Table): number {
  if (isCount(count)) return count;
  throw invalid(`the target doesn't say how many documents it has: table ${name}`, "target");
}

/** Numbers that a converter says were not held exactly. @throws MigrationError PLUGIN_INVALID */
export function checkedOverflow(converted: { overflowed: number }, { name }: Table): number {
  const overflowed = (converted as { overflowed?: number } | undefined)?.overflowed;
  // It is kept, and read again as a whole number.
  if (Number.isInteger(overflowed) && isCount(overflowed)) return overflowed;
  throw invalid(
    `the converter doesn't say how many numbers were not held exactly: table ${name}`,
    "converter",
  );
}

/** A page's records, which its body may only now be parsed for. @throws MigrationError PLUGIN_INVALID */
export function checkedRecords(page: Page, { name }: Table): SourceRecord[] {
  const { records } = page;
  const isRecord = (each: Partial<SourceRecord> | undefined): boolean =>
    each?.op === "put" && isObject(each.keys) && isObject(each.item);
  if (Array.isArray(records) && records.every(isRecord)) return records;
  const what = "a page without records, or with some that are no put with keys and an item";
  throw invalid(`the source gives ${what}: table ${name}`, "source");
}

/** Refuses what is no page. @throws MigrationError PLUGIN_INVALID */
export function checkPage(page: Page, { name }: Table): void {
  if (!isCount((page as Partial<Page> | undefined)?.bytes)) {
    throw invalid(`the source's pages don't say how many bytes they have: table ${name}`, "source");
  }
  // It is kept, and read again as one: of none, null, say, a unit would count as finished.
  if (page.position === undefined || isObject(page.position)) return;
  throw invalid(`the source's pages have a position that is no object: table ${name}`, "source");
}

function invalid(what: string, role: string): MigrationError {
  return new MigrationError("PLUGIN_INVALID", what, {
    hint: `let the plugin that provides the ${role} return what its role's documentation says`,
  });
}
