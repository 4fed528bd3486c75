/** NimoShake's checkpoint collections: one a table with a document a shard, and one for the status. */
import { createHash } from "node:crypto";
import { type Db, ObjectId } from "mongodb";
import type { Table } from "../../../core/types.ts";
import { DURABLE, WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { originalName, STATUS, STATUS_TABLE, statusDocument } from "../_nimoshake.ts";
import { othersThere, refuseOthers, rowField, withoutOthers } from "../_others.ts";
import type { States } from "../_queue.ts";

const READ = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT, projection: { _id: 0 } } as const;

/** Rows in one command. */
const MOST_ROWS = 1000;

/** The collection a name is kept in. */
export function originalCollection(name: string): string {
  const original = originalName(name)!;
  return original === "status" ? STATUS_TABLE : original.table;
}

/** What is kept under a name. */
export async function loadOriginal(db: Db, name: string): Promise<Map<string, unknown>> {
  const found = await db.collection(originalCollection(name)).find({}, READ).toArray();
  const parts = found.map((each): [string, unknown] =>
    name === STATUS ? [STATUS, each["StatusValue"]] : [String(each["ShardId"]), each],
  );
  return new Map(parts);
}

/** Whether a collection has documents that are no rows. */
async function hasOthers(db: Db, name: string): Promise<boolean> {
  const { projection: _, ...read } = READ;
  const other = { [rowField(name)]: { $not: { $type: "string" } } };
  return (await db.collection(originalCollection(name)).findOne(other, read)) !== null;
}

async function refuseCollection(db: Db, name: string): Promise<void> {
  if (!(await hasOthers(db, name))) return;
  throw othersThere(
    `database ${db.databaseName}, collection ${originalCollection(name)}`,
    "set checkpoint.db to a database that nobody else uses",
  );
}

/**
 * Refuses tables whose collections have documents of others.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH
 */
export function refuseOthersIn(db: Db, tables: readonly Table[]): Promise<void> {
  return refuseOthers(tables, (name) => refuseCollection(db, name));
}

/** Of the names of collections those that have no documents of others. */
export function namesWithoutOthers(db: Db, names: readonly string[]): Promise<string[]> {
  return withoutOthers(names, (name) => hasOthers(db, name));
}

/** Forgets what is kept under a name, with its collection, unless that has documents of others. */
export async function dropOriginal(db: Db, name: string): Promise<void> {
  await refuseCollection(db, name);
  await db.dropCollection(originalCollection(name), { writeConcern: DURABLE });
}

/**
 * The statements that save states; other fields of a document stay. There is no index on what they look for, so that a
 * statement that is sent twice could insert twice: its `_id` is always the same.
 *
 * @returns as many as one command takes, again and again
 */
export function* originalUpserts(name: string, states: States): Generator<object[]> {
  const upserts = [...states].map(([part, state]) => {
    const saved = JSON.parse(state) as unknown;
    const { Key, ...status } = statusDocument(saved);
    const [q, $set] = name === STATUS ? [{ Key }, status] : [{ ShardId: part }, saved];
    return { q, u: { $set, $setOnInsert: { _id: idOf(name === STATUS ? Key : part) } }, upsert: true };
  });
  for (let at = 0; at < upserts.length; at += MOST_ROWS) yield upserts.slice(at, at + MOST_ROWS);
}

/** The statement that forgets parts. */
export function originalDelete(name: string, parts: readonly string[]): object {
  if (name !== STATUS) return { q: { ShardId: { $in: parts } }, limit: 0 };
  const { Key } = statusDocument(undefined);
  return { q: { Key: { $in: parts.includes(STATUS) ? [Key] : [] } }, limit: 0 };
}

/** An ObjectId, as NimoShake's documents have, but made of the text. */
function idOf(text: string): ObjectId {
  return new ObjectId(createHash("sha256").update(text).digest().subarray(0, 12));
}
