import { attributesOf } from "./key-of.ts";
import type { Converter } from "./roles.ts";
import type { KeySchema, Table, TargetIndex } from "./types.ts";

/**
 * The indexes a table gets at the target. From its key: partition + sort key unique, or the partition
 * key alone unique, and hashed on the partition key. From each GSI and LSI: hashed on its partition
 * key, and partition + sort key where there is one. What would repeat another is left out.
 *
 * @param user whether GSIs and LSIs get theirs (`full.enable_index.user`)
 */
export function planIndexes(table: Table, converter: Converter, user: boolean): TargetIndex[] {
  const planned: TargetIndex[] = [];
  const add = (fields: TargetIndex["fields"], origin: TargetIndex["origin"], unique = false): void => {
    const pattern = indexPattern({ fields });
    // Every collection has the index on _id.
    if (pattern === "_id_1" || planned.some((index) => indexPattern(index) === pattern)) return;
    planned.push({ fields, unique, origin });
  };
  const ascending = (keys: KeySchema): TargetIndex["fields"] =>
    attributesOf(keys).map((attribute) => ({
      path: converter.fieldPath(attribute),
      kind: "ascending",
    }));
  const hashed = (keys: KeySchema): TargetIndex["fields"] => [
    { path: converter.fieldPath(keys.partition), kind: "hashed" },
  ];

  add(ascending(table.keys), "primary", true);
  add(hashed(table.keys), "primary");
  for (const index of user ? table.secondary : []) {
    add(hashed(index), "user");
    if (index.sort !== undefined) add(ascending(index), "user");
  }
  return planned;
}

/** An index's name as the driver would make it: `pk_1_sk_1`, `pk_hashed`. */
export function indexPattern(index: Pick<TargetIndex, "fields">): string {
  return index.fields.map(({ path, kind }) => `${path}_${kind === "hashed" ? kind : 1}`).join("_");
}
