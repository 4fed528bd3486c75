/**
 * The floor: the fastest way we know to get the same documents into the same mongod, in a process of its own.
 * They are encoded before the clock starts and sent as raw insert commands over a few connections, with the tool's
 * write concern; then the indexes the tool builds are built in one command. It prints one line of JSON.
 */
import { type Db, MongoClient } from "mongodb";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { bsonBlock, cut, INDEXES, KEYS, type Shape, TABLE } from "./orders.ts";

/** What one run of the floor took. */
export interface FloorResult {
  items: number;
  insertMs: number;
  indexMs: number;
  /** CPU of the floor's own process while the clock ran. */
  cpuUs: number;
}

/** The driver's own, not public: a field of a command that travels as ready-made BSON. */
interface DocumentSequence {
  push(document: object, bson: Uint8Array): number;
}
const { DocumentSequence } = createRequire(import.meta.url)("mongodb/lib/cmap/commands") as {
  DocumentSequence: new (field: string) => DocumentSequence;
};

/** Bytes encoded at once, to bound the memory; the clock stands still while the next ones are encoded. */
const ROUND = 256 * 1024 * 1024;
/** More than this in a message is no faster. */
const MESSAGE = 16 * 1024 * 1024;
const writeConcern = { w: "majority" as const, j: true };

async function insert(db: Db, bytes: Uint8Array): Promise<void> {
  // documents that lie side by side are one push: the sequence is their concatenation anyhow
  const documents = new DocumentSequence("documents");
  documents.push({}, bytes);
  const result = await db.command({ insert: TABLE, documents, ordered: false, writeConcern });
  if (result["writeErrors"])
    throw new Error(`the floor's insert failed: ${JSON.stringify(result["writeErrors"])}`);
}

/** Inserts `messages` over `lanes` connections; gives the milliseconds. */
async function load(db: Db, messages: Uint8Array[], lanes: number): Promise<number> {
  const started = performance.now();
  const queue = messages.values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const message of queue) await insert(db, message);
    }),
  );
  return performance.now() - started;
}

/** As the tool names and builds them, see the design's "Indexes". */
function indexSpecs(gsi: number): object[] {
  const { partition: pk, sort: sk } = KEYS;
  const user = INDEXES.slice(0, gsi).flatMap(({ partition, sort }) => [
    { [partition]: "hashed" },
    { [partition]: 1, [sort]: 1 },
  ]);
  return [{ [pk]: 1, [sk]: 1 }, { [pk]: "hashed" }, ...user].map((key, n) => ({
    key,
    name: Object.entries(key).flat().join("_"),
    ...(n === 0 ? { unique: true } : {}),
  }));
}

async function floor(
  client: MongoClient,
  options: { db: string; items: number; lanes: number; batch: number; gsi: number; shape: Shape },
): Promise<FloorResult> {
  const { items, lanes } = options;
  const orders = bsonBlock(options.shape);
  const batch = Math.min(options.batch, Math.floor((MESSAGE * orders.bodies) / orders.bytes.length));
  const round = Math.floor((ROUND * orders.bodies) / orders.bytes.length);
  const db = client.db(options.db);
  await db.dropDatabase();
  await db.createCollection(TABLE);
  await Promise.all(Array.from({ length: lanes }, () => db.command({ ping: 1 })));

  const result: FloorResult = { items, insertMs: 0, indexMs: 0, cpuUs: 0 };
  for (let from = 0; from < items; from += round) {
    const messages: Uint8Array[] = [];
    const end = Math.min(items, from + round);
    for (let at = from; at < end; at += batch)
      messages.push(cut(orders, at, Math.min(end, at + batch)).bytes);
    const cpu = process.cpuUsage();
    result.insertMs += await load(db, messages, lanes);
    const used = process.cpuUsage(cpu);
    result.cpuUs += used.user + used.system;
  }
  const started = performance.now();
  await db.command({ createIndexes: TABLE, indexes: indexSpecs(options.gsi), writeConcern });
  result.indexMs = performance.now() - started;
  return result;
}

const { values: flags } = parseArgs({
  options: {
    uri: { type: "string" },
    db: { type: "string", default: "floor" },
    items: { type: "string", default: "300000" },
    lanes: { type: "string", default: "4" },
    batch: { type: "string", default: "1000" },
    gsi: { type: "string", default: "0" },
    shape: { type: "string", default: "medium" },
  },
});
if (!flags.uri) throw new Error("--uri=mongodb://… is needed");
const lanes = Number(flags.lanes);
const client = new MongoClient(flags.uri, { minPoolSize: lanes, maxPoolSize: lanes });
try {
  const numbers = { items: Number(flags.items), lanes, batch: Number(flags.batch), gsi: Number(flags.gsi) };
  const shape = flags.shape as Shape;
  console.log(JSON.stringify(await floor(client, { db: flags.db, shape, ...numbers })));
} finally {
  await client.close();
}
