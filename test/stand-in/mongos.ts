/**
 * A mongos by the commands it takes: a real mongod keeps the documents, and what only a mongos knows is answered
 * here, with its refusals.
 */
import type { Document } from "mongodb";
import { startMongoProxy } from "./mongo-proxy.ts";
import type { Fate, MongoProxy } from "./mongo-proxy.ts";

/** What {@link startMongos} takes. */
export interface MongosOptions {
  /** Decides about the answer to the nth (from 1) command of that name. */
  fate?: (command: string, number: number) => Fate;
  /** Default 2. */
  shards?: number;
  /** An answer before all others; undefined: the usual one. */
  answer?: (command: Document, name: string) => Document | undefined;
}

/** A running stand-in. */
export interface Mongos extends MongoProxy {
  /** Every command of these names in the order in which they came, without the driver's own fields. */
  sent(...names: string[]): Document[];
}

const HELLO = /^(hello|ismaster)$/i;
/** What a hello of 6.0 says; without a session's timeout, as the server behind may know none. */
const MONGOS = {
  helloOk: true,
  ismaster: true,
  isWritablePrimary: true,
  msg: "isdbgrid",
  maxBsonObjectSize: 16 * 1024 * 1024,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 17,
  ok: 1,
};

/** Starts one before the first server of `serverUri`. */
export async function startMongos(serverUri: string, options: MongosOptions = {}): Promise<Mongos> {
  const { shards = 2 } = options;
  const commands: { name: string; command: Document }[] = [];
  /** Shard keys by namespace, as text. */
  const sharded = new Map<string, string>();

  function answer(command: Document, name: string): Document | undefined {
    if (HELLO.test(name)) return { ...MONGOS, localTime: new Date() };
    commands.push({ name, command: withoutDriversFields(command) });
    return options.answer?.(command, name) ?? usual(command, name);
  }

  function usual(command: Document, name: string): Document | undefined {
    const namespace = `${command["$db"]}.${command[name]}`;
    if (name === "enableSharding") return { ok: 1 };
    if (name === "listShards") {
      return { shards: Array.from({ length: shards }, (_, i) => ({ _id: `shard${i}` })), ok: 1 };
    }
    if (name === "shardCollection") return shard(String(command[name]), JSON.stringify(command["key"]));
    if (name === "drop") sharded.delete(namespace);
    if (!sharded.has(namespace)) return undefined;
    const unique = (command["indexes"] as Document[] | undefined)?.some((index) => index["unique"]);
    if (name === "createIndexes" && unique) {
      return refusal(67, `cannot create unique index over ${namespace} with shard key pattern`);
    }
    return undefined;
  }

  function shard(namespace: string, key: string): Document {
    const already = sharded.get(namespace);
    if (already !== undefined && already !== key) {
      return refusal(23, `sharding already enabled for collection ${namespace} with options ${already}`);
    }
    sharded.set(namespace, key);
    return { collectionsharded: namespace, ok: 1 };
  }

  const proxy = await startMongoProxy(serverUri, {
    ...(options.fate && { fate: options.fate }),
    answer,
    uriOptions: "",
  });
  return Object.assign(proxy, {
    sent: (...names: string[]) =>
      commands.filter(({ name }) => names.includes(name)).map(({ command }) => command),
  });
}

function refusal(code: number, errmsg: string): Document {
  return { ok: 0, code, errmsg };
}

function withoutDriversFields(command: Document): Document {
  const { lsid: _, $clusterTime: __, ...own } = command;
  return own;
}
