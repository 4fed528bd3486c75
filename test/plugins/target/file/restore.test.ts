/** A dump restored into a real server: by mongorestore where there is one, else by the driver as its manual says. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, type Db, Decimal128, Long, MongoClient, type Document } from "mongodb";
import type { TargetIndex } from "../../../../core/types.ts";
import { onPath, runOnce } from "../../../servers/command.ts";
import { sharedServers } from "../../../servers/shared.ts";
import {
  encoded,
  INDEXES,
  NEVER,
  openTarget,
  type Place,
  readDocuments,
  recordsOf,
  TABLE,
  temporaryPlace,
  unitOf,
} from "./place.ts";

const SECOND = 1000;
setDefaultTimeout(180_000);

const MONGORESTORE = process.env["NIMO_TEST_MONGORESTORE"] || onPath("mongorestore");
const COLLECTION = "orders";

const INDEXES_TO_RESTORE: TargetIndex[] = [
  ...INDEXES,
  {
    fields: [
      { path: "status", kind: "ascending" },
      { path: "a.2", kind: "ascending" },
      { path: "a.1", kind: "ascending" },
    ],
    unique: false,
    origin: "user",
  },
];

const DOCUMENTS: Document[] = [
  {
    n: 1,
    pk: "a",
    sk: 1,
    values: [Decimal128.fromString("1.50"), Long.fromString("9007199254740993"), 1.5, null],
  },
  {
    n: 2,
    pk: "a",
    sk: 2,
    bytes: new BSON.Binary(Buffer.from("00ff", "hex")),
    nested: { "": { $x: true, "a.b": [] } },
  },
  { n: 3, pk: "ü 🦤", sk: -1, a: { "1": "x", "2": "y" }, long: "x".repeat(1_000_000) },
  ...Array.from({ length: 500 }, (_, i) => ({ n: 10 + i, pk: `pk ${i}`, sk: i })),
];

/** A dump of a database: three parts, by both ways of writing. */
async function dumped(place: Place, database: string): Promise<string> {
  const target = await openTarget(place.dump, { id: database });
  await target.create(TABLE, NEVER);
  await target.write({ unit: unitOf(0), records: recordsOf(DOCUMENTS.slice(0, 2)) }, NEVER);
  await target.writeEncoded!(
    encoded(
      unitOf(1),
      DOCUMENTS.slice(2, 3).map((each) => ({ _id: "own", ...each })),
    ),
    NEVER,
  );
  await target.write({ unit: unitOf(2), records: recordsOf(DOCUMENTS.slice(3)) }, NEVER);
  expect(await target.count(TABLE, NEVER)).toBe(DOCUMENTS.length);
  await target.index(TABLE, INDEXES_TO_RESTORE, { signal: NEVER });
  return join(place.dump, database);
}

/** By what the driver and MongoDB's manual have, and nothing of ours. */
async function byDriver(db: Db, folder: string): Promise<void> {
  const text = readFileSync(`${folder}/${COLLECTION}.metadata.json`, "utf8");
  const { indexes, options, collectionName, type } = BSON.EJSON.parse(text) as Document;
  expect([collectionName, type]).toEqual([COLLECTION, "collection"]);
  await db.createCollection(COLLECTION, options as Document);
  const bytes = readFileSync(`${folder}/${COLLECTION}.bson`);
  const documents: Document[] = [];
  const count = DOCUMENTS.length;
  expect(BSON.deserializeStream(bytes, 0, count, documents, 0, { promoteValues: false })).toBe(bytes.length);
  await db.collection(COLLECTION).insertMany(documents);
  await db.command({ createIndexes: COLLECTION, indexes });
}

type Restore = (context: { uri: string; db: Db; place: Place; folder: string }) => Promise<void>;

/** Dumps, restores and compares. */
async function expectRestored(restore: Restore): Promise<void> {
  using place = temporaryPlace();
  const { mongoUri: uri } = await sharedServers();
  const database = `file-${process.pid}-${Date.now().toString(36)}`;
  const client = new MongoClient(uri);
  const db = client.db(database);
  try {
    const folder = await dumped(place, database);
    await restore({ uri, db, place, folder });
    await expectDocuments(db, `${folder}/${COLLECTION}.bson`);
    await expectIndexes(db);
  } finally {
    await db.dropDatabase();
    await client.close();
  }
}

/** The server has byte for byte what stands in the file, and that is what was written. */
async function expectDocuments(db: Db, path: string): Promise<void> {
  const found = await db.collection(COLLECTION).find({}, { raw: true }).sort({ n: 1 }).toArray();
  const bytes = Buffer.concat(found.map((each) => Buffer.from(each as unknown as Uint8Array)));
  expect(bytes.equals(readFileSync(path))).toBe(true);
  const written = DOCUMENTS.map((each) => BSON.deserialize(BSON.serialize(each)));
  expect(readDocuments(path).map(({ _id, ...rest }) => rest)).toEqual(written);
}

async function expectIndexes(db: Db): Promise<void> {
  const found = await db.collection(COLLECTION).indexes();
  const shown = found.map(({ name, key, unique }) => [name!, Object.entries(key), unique ?? false] as const);
  expect(shown.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ["_id_", [["_id", 1]], false],
    [
      "pk_1_sk_1",
      [
        ["pk", 1],
        ["sk", 1],
      ],
      true,
    ],
    ["pk_hashed", [["pk", "hashed"]], false],
    [
      "status_1_a.2_1_a.1_1",
      [
        ["status", 1],
        ["a.2", 1],
        ["a.1", 1],
      ],
      false,
    ],
  ]);
}

describe("a dump is what went in", () => {
  test("when the driver restores it", () => expectRestored(({ db, folder }) => byDriver(db, folder)));

  test.skipIf(MONGORESTORE === undefined)("when mongorestore does", () =>
    expectRestored(async ({ uri, place }) => {
      const args = [`--uri=${uri}`, place.dump];
      await runOnce(MONGORESTORE!, args, 60 * SECOND);
    }),
  );
});
