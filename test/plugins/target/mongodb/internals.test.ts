/** What the driver keeps to itself is still there, and works. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BSON, type Db, MongoClient } from "mongodb";
import { encodedDocuments, sendsEncoded } from "../../../../plugins/target/mongodb/internals.ts";
import { sharedServers } from "../../../servers/shared.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const DOCUMENTS = [
  { _id: 1, a: "é" },
  { _id: 2, a: { b: [1.5, null] } },
  { _id: 3, "a.b": new BSON.Long(1, 1) },
];
const BYTES = Buffer.concat(DOCUMENTS.map((document) => BSON.serialize(document)));

let client: MongoClient;
let db: Db;
beforeAll(async () => {
  client = await new MongoClient((await sharedServers()).mongoUri).connect();
  db = client.db(`internals-${process.pid}`);
});
afterAll(async () => {
  await db.dropDatabase();
  await client.close();
});

test("the driver still has its carrier of encoded documents", () => {
  expect(sendsEncoded).toBe(true);
});

describe.each([
  ["sent as they are", true],
  ["decoded, for a driver that has changed", false],
])("encoded documents, %s", (_, direct) => {
  test("arrive as they were", async () => {
    const name = `c-${direct}`;
    const answer = await db.command({
      insert: name,
      ordered: false,
      ...encodedDocuments("documents", BYTES, direct),
    });
    expect(answer.n).toBe(3);
    const found = await db
      .collection(name)
      .find({}, { sort: { _id: 1 }, promoteLongs: false })
      .toArray();
    expect(found).toEqual(DOCUMENTS as never);
  });

  test("report the index of each that is refused", async () => {
    const name = `c-${direct}`;
    const answer = await db.command({
      insert: name,
      ordered: false,
      ...encodedDocuments("documents", BYTES, direct),
    });
    expect(answer.n).toBe(0);
    expect(
      (answer.writeErrors as { index: number; code: number }[]).map(({ index, code }) => [index, code]),
    ).toEqual([
      [0, 11000],
      [1, 11000],
      [2, 11000],
    ]);
  });
});
