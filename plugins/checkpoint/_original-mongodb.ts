/** The original's checkpoint collections: one a table with a document a shard, and one for the status. */
import type { Db } from "mongodb";
import { WRITE_TIMEOUT } from "../target/_mongodb-client.ts";
import { originalName, STATUS, STATUS_TABLE, statusDocument } from "./_original.ts";
import type { States } from "./_queue.ts";

const READ = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT, projection: { _id: 0 } } as const;

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

/** The statements that save states; other fields of a document stay. */
export function originalUpserts(name: string, states: States): object[] {
  return [...states].map(([part, state]) => {
    const saved = JSON.parse(state) as unknown;
    const { Key, ...status } = statusDocument(saved);
    return name === STATUS
      ? { q: { Key }, u: { $set: status }, upsert: true }
      : { q: { ShardId: part }, u: { $set: saved }, upsert: true };
  });
}
