/** NimoShake's checkpoint collections: one a table with a document a shard, and one for the status. */
import { createHash } from "node:crypto";
import { type Db, ObjectId } from "mongodb";
import { WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { originalName, STATUS, STATUS_TABLE, statusDocument } from "../_nimoshake.ts";
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
