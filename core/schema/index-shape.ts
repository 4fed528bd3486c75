/** Indexes as a plugin leaves them, looked at before anybody works with them. */
import { MigrationError } from "../errors.ts";
import type { Table, TargetIndex } from "../types.ts";

const SHAPE =
  '{ fields: [{ path: "a.b", kind: "ascending" }], unique: false, origin: "user" }; a kind is ascending or hashed, an origin primary or user';

/**
 * Refuses what is no list of indexes.
 *
 * @throws MigrationError HOOK_FAILED that says which one, and what one looks like
 */
export function checkIndexShapes(indexes: unknown, { name }: Table): asserts indexes is TargetIndex[] {
  if (!Array.isArray(indexes)) throw unfit("indexes is no list", name);
  for (const [at, index] of indexes.entries()) {
    const problem = problemOf(index);
    if (problem !== undefined) throw unfit(`indexes[${at}] ${problem}`, name);
  }
}

/** What is wrong with an index; undefined: nothing. */
function problemOf(index: unknown): string | undefined {
  if (!isObject(index)) return "is no object";
  const { fields, unique, origin } = index;
  if (!Array.isArray(fields) || fields.length === 0) return "has no list of fields";
  for (const [at, field] of fields.entries()) {
    if (!isObject(field) || typeof field["path"] !== "string" || field["path"] === "")
      return `has no path in fields[${at}]`;
    if (field["kind"] !== "ascending" && field["kind"] !== "hashed")
      return `has no kind, ascending or hashed, in fields[${at}]`;
  }
  if (typeof unique !== "boolean") return "has no unique, true or false";
  return origin === "primary" || origin === "user" ? undefined : "has no origin, primary or user";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function unfit(what: string, table: string): MigrationError {
  return new MigrationError("HOOK_FAILED", `after the index:before hooks ${what}: table ${table}`, {
    hint: `correct the plugin; an index is ${SHAPE}`,
  });
}
