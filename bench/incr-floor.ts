/**
 * The floor of the incremental phase: the same changes, each message's collapsed by key and encoded beforehand, over one connection a
 * shard, unordered, with the tool's write concern.
 */
import { BSON, type MongoClient } from "mongodb";
import { createRequire } from "node:module";
import { type Change, changeAt, imageOf } from "./changes.ts";
import { bsonBlock, KEYS, type Shape, TABLE } from "./orders.ts";

const BATCH = 1_000;
/** More than this in a message is no faster. */
const MESSAGE = 16 * 1024 * 1024;
const LANES = 4;
const writeConcern = { w: "majority", j: true } as const;
const { DocumentSequence } = createRequire(import.meta.url)("mongodb/lib/cmap/commands") as {
  DocumentSequence: new (field: string) => { push(document: object, bson: Uint8Array): number };
};

/** Statements of one message, as BSON one behind the other. */
interface Message {
  updates: Uint8Array | undefined;
  deletes: Uint8Array | undefined;
}

/** What is measured: some records of a shape. */
export interface Records {
  records: number;
  shape: Shape;
  mix: boolean;
}

/** Makes it ready; what it gives applies all, on an empty collection with its index, and tells how long it took in ms. */
export function incrFloor(client: MongoClient, { records, shape, mix }: Records): () => Promise<number> {
  const db = client.db("floor");
  const orders = bsonBlock(shape);
  const batch = Math.max(1, Math.min(BATCH, Math.floor((MESSAGE * orders.bodies) / orders.bytes.length)));

  function messageOf(changes: Iterable<Change>): Message {
    const updates: Uint8Array[] = [];
    const deletes: Uint8Array[] = [];
    for (const change of changes) {
      const u = BSON.deserialize(imageOf(orders, change), { promoteValues: false });
      delete u["_id"];
      const q = { [KEYS.partition]: u[KEYS.partition], [KEYS.sort]: u[KEYS.sort] };
      if (change.event === "REMOVE") deletes.push(BSON.serialize({ q, limit: 1 }));
      else updates.push(BSON.serialize({ q, u, upsert: true }));
    }
    const joined = (all: Uint8Array[]): Uint8Array | undefined =>
      all.length > 0 ? Buffer.concat(all) : undefined;
    return { updates: joined(updates), deletes: joined(deletes) };
  }

  const lanes = Array.from({ length: LANES }, (_, lane): Message[] => {
    const messages: Message[] = [];
    let changes = new Map<number, Change>();
    let read = 0;
    const flush = (): void => {
      if (read > 0) messages.push(messageOf(changes.values()));
      changes = new Map();
      read = 0;
    };
    for (let at = 0; at < records; at++) {
      const change = changeAt(at, mix);
      if (change.item % LANES !== lane) continue;
      changes.set(change.item, change);
      if (++read === batch) flush();
    }
    flush();
    return messages;
  });

  async function send(command: "update" | "delete", statements: Uint8Array | undefined): Promise<void> {
    if (statements === undefined) return;
    const field = `${command}s`;
    const sequence = new DocumentSequence(field);
    sequence.push({}, statements);
    const answer = await db.command({ [command]: TABLE, [field]: sequence, ordered: false, writeConcern });
    if (answer["writeErrors"]) throw new Error(JSON.stringify(answer["writeErrors"]));
  }

  return async () => {
    await db.dropDatabase();
    await db.collection(TABLE).createIndex({ [KEYS.partition]: 1, [KEYS.sort]: 1 }, { unique: true });
    const started = performance.now();
    await Promise.all(
      lanes.map(async (messages) => {
        for (const { updates, deletes } of messages)
          await Promise.all([send("update", updates), send("delete", deletes)]);
      }),
    );
    return performance.now() - started;
  };
}
