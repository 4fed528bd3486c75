/** Changes of one key that are written together fall together: only the last image matters. */
import type { AttributeValue, ChangeHead, Item, KeySchema, SourceRecord } from "../types.ts";

/**
 * Collapses the changes of each key into one with the last image and the first event. A key that was deleted and
 * put again has the event REMOVE on its put, so that it is inserted whatever came before; `replayed` holds when it does
 * for any of them.
 *
 * @param changes in stream order
 * @param keyOf a change's key as text, one for each key
 * @returns at most one of a key, in the order of the keys' first changes
 */
export function collapseBy<Change extends ChangeHead>(
  changes: Change[],
  keyOf: (change: Change) => string,
): Change[] {
  const last = new Map<string, Change>();
  for (const change of changes) {
    const key = keyOf(change);
    const before = last.get(key);
    last.set(key, before === undefined ? change : { ...change, ...merged(before, change) });
  }
  return last.size === changes.length ? changes : [...last.values()];
}

/** The same for records. */
export function collapse(records: SourceRecord[], keys: KeySchema): SourceRecord[] {
  return collapseBy(records, (record) => keyText(record.keys, keys));
}

function merged(first: ChangeHead, then: ChangeHead): Partial<ChangeHead> {
  const replayed = first.replayed === true || then.replayed === true;
  // An insert tells that the key was gone before it, even where a hook has left its delete out.
  const cameBack = first.event === "MODIFY" && then.event === "INSERT";
  return { event: cameBack ? "REMOVE" : first.event, ...(replayed && { replayed }) };
}

/** A key as text, one for each key: DynamoDB sends key values in one form only. */
function keyText(item: Item, { partition, sort }: KeySchema): string {
  const first = scalar(item[partition.name]);
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  return sort === undefined ? first : `${first.length}:${first}${scalar(item[sort.name])}`;
}

const scalar = (value: AttributeValue | undefined): string => value?.S ?? value?.N ?? value?.B ?? "";
