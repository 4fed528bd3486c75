/** Items that have expired by their table's TTL: either side deletes them when it comes to it. */
import type { StoredValue } from "../plugin/stored.ts";
import type { Look } from "./look.ts";

const FIVE_YEARS = 5 * 365 * 24 * 3_600_000;

/** Whether a key that is there on one side only has expired, by whichever side has it. */
export function isExpired({ record, found }: Look, attribute: string | undefined): boolean {
  if (attribute === undefined) return false;
  const seconds =
    record === undefined ? numberOf(found[0]?.fields?.get(attribute)) : Number(record.item?.[attribute]?.N);
  if (seconds === undefined) return false;
  const since = Date.now() - seconds * 1000;
  // What has expired longer ago the service never deletes.
  return since > 0 && since < FIVE_YEARS;
}

/** A stored number in plain words; undefined: it is none. Extended JSON and DynamoDB JSON name a number's type. */
function numberOf(value: StoredValue | undefined): number | undefined {
  const found = value?.value;
  const text = typeof found === "object" && found !== null ? Object.values(found)[0] : found;
  const number = typeof text === "string" || typeof text === "number" ? Number(text) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}
