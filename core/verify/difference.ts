/** How a stored document differs from the one that its item would make now. */
import type { StoredValue } from "../plugin/stored.ts";
import type { AttributeValue, Item } from "../types.ts";

/** One place in which two documents differ; undefined: it isn't there on that side. */
export interface Difference {
  /** Field names and places in arrays, from the outside in. */
  path: (string | number)[];
  source?: StoredValue;
  target?: StoredValue;
}

/**
 * Compares what a document should be with what it is. The order of fields doesn't count (a stream's image may have
 * another than a Scan's), nor that of what is a set at the source.
 *
 * @param item the item behind it; undefined: nothing is a set
 * @returns nothing: they are the same
 */
export function differences(source: StoredValue, target: StoredValue, item?: Item): Difference[] {
  const found: Difference[] = [];
  compare(source, target, [], item && { M: item }, found);
  return found;
}

function compare(
  source: StoredValue,
  target: StoredValue,
  path: Difference["path"],
  from: AttributeValue | undefined,
  found: Difference[],
): void {
  if (source.type !== target.type) {
    found.push({ path, source, target });
  } else if (source.fields !== undefined && target.fields !== undefined) {
    compareFields(source.fields, target.fields, path, from, found);
  } else if (source.items !== undefined && target.items !== undefined) {
    compareItems(source, target, path, from, found);
  } else if (text(source) !== text(target)) {
    found.push({ path, source, target });
  }
}

function compareFields(
  source: Map<string, StoredValue>,
  target: Map<string, StoredValue>,
  path: Difference["path"],
  from: AttributeValue | undefined,
  found: Difference[],
): void {
  for (const [name, value] of source) {
    const other = target.get(name);
    const at = [...path, name];
    if (other === undefined) found.push({ path: at, source: value });
    else compare(value, other, at, inside(from, name), found);
  }
  for (const [name, value] of target) {
    if (!source.has(name)) found.push({ path: [...path, name], target: value });
  }
}

function compareItems(
  source: StoredValue,
  target: StoredValue,
  path: Difference["path"],
  from: AttributeValue | undefined,
  found: Difference[],
): void {
  const [ours, theirs] = [source.items!, target.items!];
  if (isSet(from)) {
    const sorted = (items: StoredValue[]): string => JSON.stringify(items.map(text).toSorted());
    if (sorted(ours) !== sorted(theirs)) found.push({ path, source, target });
    return;
  }
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [one, other] = [ours[i], theirs[i]];
    const at = [...path, i];
    if (one === undefined) found.push({ path: at, target: other! });
    else if (other === undefined) found.push({ path: at, source: one });
    else compare(one, other, at, from?.L?.[i], found);
  }
}

function isSet(from: AttributeValue | undefined): boolean {
  return from?.SS !== undefined || from?.NS !== undefined || from?.BS !== undefined;
}

/** The attribute behind a field; in DynamoDB's typed form a field's name may be the type of what is around it. */
function inside(from: AttributeValue | undefined, name: string): AttributeValue | undefined {
  if (from === undefined) return undefined;
  const { M: map } = from;
  if (map !== undefined && Object.hasOwn(map, name)) return map[name];
  return Object.hasOwn(from, name) ? from : undefined;
}

/** A value as text that is the same for the same value, whatever the order of its fields. */
function text(value: StoredValue): string {
  return JSON.stringify(toJson(value, true)) + value.type;
}

/** A stored value as JSON that loses nothing. */
export function toJson(value: StoredValue, sorted = false): unknown {
  if (value.fields !== undefined) {
    const entries = [...value.fields].map(([name, each]) => [name, toJson(each, sorted)] as const);
    if (sorted) entries.sort(([one], [other]) => (one < other ? -1 : 1));
    // A field may be called `__proto__`.
    return Object.fromEntries(entries);
  }
  if (value.items !== undefined) return value.items.map((each) => toJson(each, sorted));
  return value.value;
}
