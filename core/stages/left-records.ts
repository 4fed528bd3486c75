/** Records as hooks leave them, looked at before anybody works with them: what is none would end as a defect, or be lost. */
import { MigrationError, reasonOf } from "../errors.ts";
import type { HookName } from "../plugin/hooks.ts";
import { isObject } from "../plugin/shape.ts";
import type { SourceRecord, Table } from "../types.ts";

/**
 * Refuses what is no list of records.
 *
 * @param hook the one that was called last
 * @throws MigrationError HOOK_FAILED that says what is wrong
 */
export function checkLeft(hook: HookName, records: unknown, table: Table): asserts records is SourceRecord[] {
  const isConverted = hook === "convert:after" || hook === "write:before";
  const problem = orThrown(() => problemOf(records, isConverted));
  if (problem !== undefined) throw unfit(hook, problem, table);
}

/**
 * Does something with records that hooks have seen.
 *
 * @throws MigrationError HOOK_FAILED instead of what is no MigrationError
 */
export function withLeft<T>(hook: HookName, table: Table, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof MigrationError) throw cause;
    throw unfit(hook, `records can't be used, ${reasonOf(cause)}`, table, cause);
  }
}

/** What a getter of a plugin's throws is a problem, too. */
function orThrown(look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (error) {
    return `records can't be read, ${reasonOf(error)}`;
  }
}

function problemOf(records: unknown, isConverted: boolean): string | undefined {
  if (!Array.isArray(records)) return "records is no list";
  for (let at = 0; at < records.length; at++) {
    const problem = recordProblem(records[at], isConverted);
    if (problem !== undefined) return `records[${at}] ${problem}`;
  }
  return undefined;
}

/** What is wrong with a record; undefined: nothing. */
function recordProblem(record: unknown, isConverted: boolean): string | undefined {
  if (!isObject(record)) return "is no object";
  if (!Object.isExtensible(record)) return "is frozen, and has to take key and document";
  const { op, keys, item, document } = record as Partial<SourceRecord>;
  if (op !== "put" && op !== "delete") return "has no op, put or delete";
  if (!isObject(keys)) return "has no keys";
  if (op === "put" && !isConverted && !isObject(item)) return "is a put without an item";
  if (op === "put" && isConverted && !isObject(document)) return "is a put without a document";
  return undefined;
}

function unfit(hook: HookName, what: string, { name }: Table, cause?: unknown): MigrationError {
  return new MigrationError("HOOK_FAILED", `after the ${hook} hooks ${what}: table ${name}`, {
    ...(cause !== undefined && { cause }),
    hint: "correct the plugin; to leave a record out, take it off the list",
  });
}
