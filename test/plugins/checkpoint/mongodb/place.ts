/** Databases of their own for the tests of a checkpoint in MongoDB. */
import { type ConsolaInstance, createConsola } from "consola";
import { MongoClient } from "mongodb";
import type { Collection, Db } from "mongodb";
import mongodb from "../../../../plugins/checkpoint/mongodb.ts";
import { sharedServers } from "../../../servers/shared.ts";
import { type MongoProxy, type MongoProxyOptions, startMongoProxy } from "../../../stand-in/mongo-proxy.ts";
import { openCheckpoint, type Opened } from "../open.ts";

const SECOND = 1000;

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

/** Opens a checkpoint behind a proxy that does this, loaded once. */
export type BehindProxy = (
  options: MongoProxyOptions,
  patience?: number,
) => Promise<Opened & { place: Place; proxy: MongoProxy; lines: string[] }>;

/** What {@link openPlaces} gives. */
export interface Places {
  uri: string;
  client: MongoClient;
  make(): Place;
  behindProxy: BehindProxy;
}

let places = 0;

/** A client, and databases of its own; the client is to be closed. */
export async function openPlaces(): Promise<Places> {
  const uri = (await sharedServers()).mongoUri;
  const client = new MongoClient(uri);
  const self: Places = {
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

    async behindProxy(options, patience = 20 * SECOND) {
      const place = self.make();
      const proxy = await startMongoProxy(uri, options);
      const { lines, log } = recorder();
      const settings = { ...place.settings, "checkpoint.address": proxy.uri };
      const opened = await openCheckpoint(mongodb, settings, { log, patience });
      await opened.checkpoint.load("t");
      return {
        ...opened,
        place,
        proxy,
        lines,
        async [Symbol.asyncDispose]() {
          await opened[Symbol.asyncDispose]();
          await proxy[Symbol.asyncDispose]();
          await place[Symbol.asyncDispose]();
        },
      };
    },
  };
  return self;
}

/** What a checkpoint warned of. */
export function recorder(): { lines: string[]; log: ConsolaInstance } {
  const lines: string[] = [];
  const log = createConsola({
    level: 1,
    reporters: [{ log: ({ args }) => void lines.push(args.join(" ")) }],
  });
  return { lines, log };
}
