/** Databases of their own for the tests of a checkpoint in MongoDB. */
import { MongoClient } from "mongodb";
import type { Collection, Db } from "mongodb";
import { sharedServers } from "../../servers/shared.ts";

/** As they are kept; a later version must still read them. */
export interface StateDocument {
  _id: { id: string; name: string; part: string };
  state: string;
  updatedAt?: Date;
}

/** See the top of the file. */
export interface Place extends AsyncDisposable {
  db: Db;
  states: Collection<StateDocument>;
  settings: Record<string, string>;
}

let places = 0;

/** A client, and databases of its own; the client is to be closed. */
export async function openPlaces(): Promise<{ uri: string; client: MongoClient; make(): Place }> {
  const uri = (await sharedServers()).mongoUri;
  const client = new MongoClient(uri);
  return {
    uri,
    client,
    make() {
      const name = `states-${process.pid.toString(36)}-${places++}`;
      const db = client.db(`${name}-state`);
      return {
        db,
        states: db.collection<StateDocument>("states"),
        settings: { "checkpoint.type": "mongodb", "checkpoint.address": uri, "checkpoint.db": name },
        [Symbol.asyncDispose]: async () => void (await db.dropDatabase()),
      };
    },
  };
}
