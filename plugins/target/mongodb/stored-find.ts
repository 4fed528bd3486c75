/** Documents looked up by key. */
import { type Db, Decimal128, Double } from "mongodb";
import { keyAttributes } from "../../../core/schema/keys.ts";
import type { SourceRecord, Table } from "../../../core/types.ts";
import type { BsonStored } from "../_stored-bson.ts";

/** Keys of one query. */
export const KEYS_AT_ONCE = 100;

const MAJORITY = { level: "majority" } as const;

/**
 * The documents of each record's key, whole.
 *
 * @param paths the key's fields
 */
export async function findStored(
  table: Table,
  records: SourceRecord[],
  paths: string[],
  { keyTextsOf, keyTexts }: BsonStored,
  ask: <T>(call: (db: Db) => Promise<T>) => Promise<T>,
): Promise<Uint8Array[][]> {
  const found: Uint8Array[][] = records.map(() => []);
  const texts = keyTextsOf(records, table);
  const byKey = Map.groupBy(records.keys(), (index) => texts[index]!);
  for (let at = 0; at < records.length; at += KEYS_AT_ONCE) {
    const filter = filterOf(table, records.slice(at, at + KEYS_AT_ONCE), paths);
    const documents = await ask((db) => findAll(db, table.targetName, filter));
    for (const document of documents) {
      // A query for a value also finds arrays that have it.
      const [text] = keyTexts(table, document, [document.length]);
      const index = text === undefined ? undefined : byKey.get(text)?.[0];
      if (index !== undefined) found[index]!.push(document);
    }
  }
  for (const indexes of byKey.values())
    for (const other of indexes.slice(1)) found[other] = found[indexes[0]!]!;
  return found;
}

/** All documents that a filter finds, by a read that sees what is acknowledged. */
export async function findAll(
  db: Db,
  name: string,
  filter: ReadonlyMap<string, unknown>,
): Promise<Uint8Array[]> {
  const options = { raw: true, readConcern: MAJORITY, readPreference: "primary" } as const;
  const found: unknown = await db
    .collection(name)
    .find(filter as object, options)
    .toArray();
  return found as Uint8Array[];
}

/** A Map, because the driver would read a field called _bsontype as an instruction. */
function filterOf(table: Table, records: SourceRecord[], paths: string[]): Map<string, unknown> {
  const attributes = keyAttributes(table);
  const options = (record: SourceRecord, i: number): unknown[] =>
    attributes[i]!.type === "N" ? spellings(record.key![paths[i]!]) : [record.key![paths[i]!]];
  if (paths.length === 1) {
    return new Map([[paths[0]!, { $in: records.flatMap((record) => options(record, 0)) }]]);
  }
  const one = (record: SourceRecord): Map<string, unknown> =>
    new Map(
      paths.map((path, i) => {
        const values = options(record, i);
        return [path, values.length === 1 ? values[0] : { $in: values }];
      }),
    );
  return new Map([["$or", records.map(one)]]);
}

/** A number in all types under which a document of this key may be stored: 0.1 isn't the same as double and decimal. */
function spellings(value: unknown): unknown[] {
  if (value instanceof Decimal128) return [value, new Double(Number(value.toString()))];
  if (typeof value !== "number" || Number.isSafeInteger(value)) return [value];
  try {
    const text = Number.isInteger(value) ? String(BigInt(value)) : String(value);
    return [value, Decimal128.fromString(text)];
  } catch {
    // It has more digits than a decimal holds.
    return [value];
  }
}
