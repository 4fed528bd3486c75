/** Databases of their own for the contract of a target on a real mongod. */
import { MongoClient } from "mongodb";
import type { Table } from "../../../../core/types.ts";
import type { TargetPlace } from "../../../contracts/index.ts";
import { stored } from "./typed-items.ts";

let places = 0;

/** A client, and places for a target; the client is to be closed. */
export function openPlaces(uri: string): {
  client: MongoClient;
  makePlace(settings?: Record<string, string>): Promise<TargetPlace>;
} {
  const client = new MongoClient(uri);
  async function makePlace(settings: Record<string, string> = {}): Promise<TargetPlace> {
    const id = `contract-${process.pid.toString(36)}-${places++}`;
    const db = client.db(id);
    const read = async (name: string): Promise<unknown[]> => {
      const documents = await db.collection(name).find({}, { raw: true }).toArray();
      return documents.map((bytes) => stored(bytes as unknown as Uint8Array));
    };
    return {
      settings: { id, "target.type": "mongodb", "target.address": uri, ...settings },
      read: ({ targetName }) => read(targetName),
      async kept({ targetName }: Table) {
        const all = await db.listCollections({}, { nameOnly: true }).toArray();
        const renamed = all.filter(({ name }) => name !== targetName && name.startsWith(targetName));
        return (await Promise.all(renamed.map(({ name }) => read(name)))).flat();
      },
      [Symbol.asyncDispose]: async () => void (await db.dropDatabase()),
    };
  }
  return { client, makePlace };
}
