/** The target's contract, kept by `target.type = mongodb` on a real mongod. */
import { afterAll, beforeAll, describe, setDefaultTimeout, test } from "bun:test";
import { MongoClient } from "mongodb";
import type { Table } from "../../../core/types.ts";
import mongodb from "../../../plugins/target/mongodb.ts";
import { targetContract, type TargetPlace } from "../../contracts/index.ts";
import { sharedServers } from "../../servers/shared.ts";
import { type Mongos, startMongos } from "../../stand-in/mongos.ts";
import { changed, stored } from "./typed-items.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

let uri: string;
let mongos: Mongos;
let client: MongoClient;
let places = 0;
beforeAll(async () => {
  uri = (await sharedServers()).mongoUri;
  client = new MongoClient(uri);
  mongos = await startMongos(uri);
});
afterAll(async () => {
  await client.close();
  await mongos[Symbol.asyncDispose]();
});

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

const can = { resume: true, rename: true, apply: true, keys: true, sample: true, encoded: true };

describe("target.mongodb.type = replica", () => {
  for (const { name, run } of targetContract({ plugin: mongodb, makePlace, can, expected: changed })) {
    test(name, run);
  }
});

describe("target.mongodb.type = sharding, before a stand-in for a mongos", () => {
  const place = (): Promise<TargetPlace> =>
    makePlace({ "target.mongodb.type": "sharding", "target.address": mongos.uri });
  const all = { ...can, guardsKeys: true };
  for (const { name, run } of targetContract({
    plugin: mongodb,
    makePlace: place,
    can: all,
    expected: changed,
  })) {
    test(name, run);
  }
});
