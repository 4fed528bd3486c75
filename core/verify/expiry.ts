/** Items that have expired by their table's TTL: either side deletes them when it comes to it. */
import type { Context } from "../plugin/context.ts";
import { EDITING_HOOKS } from "../plugin/hooks.ts";
import type { StoredValue } from "../plugin/stored.ts";
import type { Table } from "../types.ts";
import type { Look } from "./look.ts";

const FIVE_YEARS = 5 * 365 * 24 * 3_600_000;

/** Whether a key that is there on one side only has expired, by whichever side has it. */
export type Expiry = (look: Look) => boolean;

/**
 * A table's.
 *
 * @param attribute by which items expire; undefined: none does
 */
export function createExpiry(ctx: Context, table: Table, attribute: string | undefined): Expiry {
  if (attribute === undefined) return () => false;
  const path = ctx.role("convert").fieldPath({ name: attribute, type: "N" });
  const edits = [...EDITING_HOOKS].some(ctx.listens);
  let isTold = false;

  function tellUnknown(): void {
    if (isTold || !edits) return;
    isTold = true;
    ctx.log.warn(
      `table ${table.name}: plugins may change ${attribute}, by which items expire: a document without it whose item is gone counts as extra, expired or not`,
    );
  }

  return ({ item, found: [document] }) => {
    // A plugin may rename the item's own, or leave it out.
    const value = item === undefined ? fieldAt(document, path) : item[attribute]?.N;
    const seconds = item === undefined ? numberOf(value as StoredValue | undefined) : Number(value);
    if (item === undefined && document !== undefined && value === undefined) tellUnknown();
    if (seconds === undefined) return false;
    const since = Date.now() - seconds * 1000;
    // What has expired longer ago the service never deletes.
    return since > 0 && since < FIVE_YEARS;
  };
}

/** The field at a path, which may end in a type's tag; a name may have dots itself. */
function fieldAt(document: StoredValue | undefined, path: string): StoredValue | undefined {
  const fields = document?.fields;
  const whole = fields?.get(path);
  const dot = path.lastIndexOf(".");
  if (whole !== undefined || dot === -1) return whole;
  return fields?.get(path.slice(0, dot))?.fields?.get(path.slice(dot + 1));
}

/** A stored number in plain words; undefined: it is none. Extended JSON and DynamoDB JSON name a number's type. */
function numberOf(value: StoredValue | undefined): number | undefined {
  const found = value?.value;
  const text = typeof found === "object" && found !== null ? Object.values(found)[0] : found;
  const number = typeof text === "string" || typeof text === "number" ? Number(text) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}
