/** Which indexes a table gets at the target, and what they are called. */
import { attributesOf, partitionOf } from "./keys.ts";
import type { Converter } from "../plugin/roles.ts";
import type { IndexKeySchema, Table, TargetIndex } from "../types.ts";

/**
 * The indexes a table gets at the target. From its key: partition + sort key unique, or the partition
 * key alone unique, and hashed on the partition key. From each GSI and LSI: hashed on its partition
 * key, and partition + sort key where there is one. What would repeat another is left out. Of a partition key with
 * several attributes the first is hashed and the others follow it, ascending: a query names all of them.
 *
 * @param user whether GSIs and LSIs get theirs (`full.enable_index.user`)
 */
export function planIndexes(table: Table, converter: Converter, user: boolean): TargetIndex[] {
  const planned: TargetIndex[] = [];
  const add = (fields: TargetIndex["fields"], origin: TargetIndex["origin"], unique = false): void => {
    // Every collection has the index on _id.
    if (indexPattern({ fields }) === "_id_1" || planned.some((index) => isSameIndex(index, { fields })))
      return;
    planned.push({ fields, unique, origin });
  };
  const ascending = (keys: IndexKeySchema): TargetIndex["fields"] =>
    attributesOf(keys).map((attribute) => ({ path: converter.fieldPath(attribute), kind: "ascending" }));
  const hashed = (keys: IndexKeySchema): TargetIndex["fields"] =>
    partitionOf(keys).map((attribute, i) => ({
      path: converter.fieldPath(attribute),
      kind: i === 0 ? "hashed" : "ascending",
    }));

  add(ascending(table.keys), "primary", true);
  add(hashed(table.keys), "primary");
  for (const index of user ? table.secondary : []) {
    add(hashed(index), "user");
    if (index.sort !== undefined) add(ascending(index), "user");
  }
  return planned;
}

/** An index's name as the driver would make it: `pk_1_sk_1`, `pk_hashed`. Another index may have the same. */
export function indexPattern(index: Pick<TargetIndex, "fields">): string {
  return index.fields.map(({ path, kind }) => `${path}_${kind === "hashed" ? kind : 1}`).join("_");
}

/** Whether two indexes have the same fields in the same order, each of the same kind. */
export function isSameIndex(one: Pick<TargetIndex, "fields">, other: Pick<TargetIndex, "fields">): boolean {
  return (
    one.fields.length === other.fields.length &&
    one.fields.every(({ path, kind }, i) => path === other.fields[i]!.path && kind === other.fields[i]!.kind)
  );
}

/** Names for the indexes of one collection: the driver's, and where two would have the same, one with a number. */
export function indexNames(indexes: Pick<TargetIndex, "fields">[]): string[] {
  const names: string[] = [];
  for (const index of indexes) names.push(freeName(indexPattern(index), names));
  return names;
}

/** A name, or, where it is taken, the same with the first number behind it that isn't. */
export function freeName(name: string, taken: string[]): string {
  let free = name;
  for (let number = 2; taken.includes(free); number++) free = `${name}-${number}`;
  return free;
}
