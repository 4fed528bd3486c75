/** Changes of one key that are written together fall together: only the last image matters. */
import type { AttributeValue, Item, KeySchema, SourceRecord } from "../types.ts";

/**
 * Collapses the changes of each key into one with the last image and the first event. A key that was deleted and
 * put again keeps the event REMOVE on its put; `replayed` holds when it does for any of them.
 *
 * @param records in stream order
 * @returns at most one of a key, in the order of the keys' first changes
 */
export function collapse(records: SourceRecord[], keys: KeySchema): SourceRecord[] {
  const last = new Map<string, SourceRecord>();
  for (const record of records) {
    const key = keyText(record.keys, keys);
    const before = last.get(key);
    last.set(key, before === undefined ? record : { ...record, ...merged(before, record) });
  }
  return last.size === records.length ? records : [...last.values()];
}

function merged(first: SourceRecord, then: SourceRecord): Partial<SourceRecord> {
  const replayed = first.replayed === true || then.replayed === true;
  return { event: first.event, ...(replayed && { replayed }) };
}

/** A key as text, one for each key: DynamoDB sends key values in one form only. */
function keyText(item: Item, { partition, sort }: KeySchema): string {
  const first = scalar(item[partition.name]);
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  return sort === undefined ? first : `${first.length}:${first}${scalar(item[sort.name])}`;
}

const scalar = (value: AttributeValue | undefined): string => value?.S ?? value?.N ?? value?.B ?? "";
