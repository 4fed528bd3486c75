/** Documents removed that no key tells apart, each by its `_id`. */
import { type Db, MongoServerError } from "mongodb";
import { createDocumentWriter } from "../../_bson/document-writer.ts";
import { extendedJson, fromExtendedJson } from "../../_bson/extended-json.ts";
import { decodeDocument } from "../../_bson/stored-value.ts";
import type { StoredValue } from "../../../core/plugin/stored.ts";
import type { Table } from "../../../core/types.ts";
import type { BsonStored } from "../_stored-bson.ts";
import { DELETE, type Destination, send, slices } from "./commands.ts";
import { findAll, KEYS_AT_ONCE } from "./stored-find.ts";

/** What {@link removeDocuments} takes beside the documents. */
export interface RemoveOptions {
  /** The partition key's field path in a sharded collection: an `_id` alone may be there on several shards. */
  shardPath: string | undefined;
  writing: <T>(table: Table, write: (to: Destination) => Promise<T>) => Promise<T>;
}

/** Removes documents as they were found; gives how many were still there. */
export async function removeDocuments(
  table: Table,
  documents: Uint8Array[],
  { shardPath, writing }: RemoveOptions,
): Promise<number> {
  if (documents.length === 0) return 0;
  const writer = createDocumentWriter({ doubles: false, addId: false });
  let end = 0;
  const ends = documents.map(
    (document) => (end += writer.append({ q: filterOf(document, shardPath), limit: 0 })),
  );
  return writing(table, async (to) => {
    let removed = 0;
    for (const { bytes } of slices(writer.bytes(), ends, DELETE.most)) {
      const { done, errors } = await send(to, DELETE, bytes);
      if (errors.length > 0) throw new MongoServerError({ ...errors[0]! });
      removed += done;
    }
    return removed;
  });
}

/** Removes the documents with these `_id`s that have no key of the table's. */
export async function removeIds(
  table: Table,
  ids: unknown[],
  {
    bson,
    ask,
    ...options
  }: RemoveOptions & { bson: BsonStored; ask: <T>(call: (db: Db) => Promise<T>) => Promise<T> },
): Promise<number> {
  let removed = 0;
  for (let at = 0; at < ids.length; at += KEYS_AT_ONCE) {
    const some = ids.slice(at, at + KEYS_AT_ONCE).map(fromExtendedJson);
    const found = await ask((db) => findAll(db, table.targetName, new Map([["_id", { $in: some }]])));
    const keyless = found.filter((document) => !hasKey(table, document, bson));
    removed += await removeDocuments(table, keyless, options);
  }
  return removed;
}

function hasKey(table: Table, document: Uint8Array, { digest, keyOf }: BsonStored): boolean {
  let has = false;
  digest(table, document, [document.length], (key) => {
    has = key !== undefined && keyOf(table, key) !== undefined;
  });
  return has;
}

function filterOf(document: Uint8Array, shardPath: string | undefined): Map<string, unknown> {
  const decoded = decodeDocument(document);
  const filter = new Map([["_id", fromExtendedJson(extendedJson(decoded.fields!.get("_id")!))]]);
  if (shardPath !== undefined && shardPath !== "_id") {
    const value = fieldAt(decoded, shardPath);
    filter.set(shardPath, value === undefined ? { $exists: false } : fromExtendedJson(extendedJson(value)));
  }
  return filter;
}

function fieldAt(value: StoredValue, path: string): StoredValue | undefined {
  const dot = path.indexOf(".");
  if (dot < 0) return value.fields?.get(path);
  const outer = value.fields?.get(path.slice(0, dot));
  return outer && fieldAt(outer, path.slice(dot + 1));
}
