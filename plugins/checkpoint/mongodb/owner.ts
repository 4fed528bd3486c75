/** Whose NimoShake's database is: a document among the states of all migrations. */
import { type Db, MongoServerError } from "mongodb";
import { WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";
import { createOwnership, type Ownership } from "../_ownership.ts";
import { joined } from "./joined.ts";
import { execute, ownerId, parse, type StateDocument } from "./states.ts";

/** What {@link databaseOwnership} takes. */
export interface DatabaseOwnershipOptions {
  id: string;
  /** NimoShake's database. */
  original: string;
  /** The database of all migrations' own states, and the collection there. */
  database: string;
  collection: string;
  onDatabase: <T>(doing: string, run: (db: Db) => Promise<T>) => Promise<T>;
}

/** A database's. */
export function databaseOwnership(options: DatabaseOwnershipOptions): Ownership {
  const { id, original, database, collection, onDatabase } = options;
  return createOwnership({
    id,
    place: `database ${original}`,
    hint: `set checkpoint.db to another database; if that migration is over, drop that one, and the document whose _id.name is owner from ${database}.${collection}`,

    // Tables that ask at once share one answer.
    read: joined(async () => {
      const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
      const found = await onDatabase("reading", (db) =>
        db.collection<StateDocument>(collection).findOne({ _id: ownerId }, options),
      );
      return found === null ? undefined : String(parse(found.state, ownerId.name, `database ${database}`));
    }),

    async write() {
      const u = { $setOnInsert: { state: JSON.stringify(id), updatedAt: new Date() } };
      const command = { update: collection, updates: [{ q: { _id: ownerId }, u, upsert: true }] };
      await onDatabase("saving to", (db) =>
        execute(db, command).catch((error: unknown) => {
          // Another process has claimed it just now; whoever asks next is told whose it is.
          if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
        }),
      );
    },
  });
}
