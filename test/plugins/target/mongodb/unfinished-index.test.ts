/** An index that is still being built, on a mongod that holds the build: it guards nothing, so it isn't counted on. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { MongoClient } from "mongodb";
import { hasUniqueKey } from "../../../../plugins/target/mongodb/insert-first.ts";
import { indexFaults } from "../../../../plugins/target/mongodb/stored-indexes.ts";
import type { TargetIndex } from "../../../../core/types.ts";
import { eventually } from "../../../e2e/eventually.ts";
import { testTable } from "../../../fakes/context.ts";
import { startMongod } from "../../../servers/mongod.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(60_000);

const HOLD = "hangAfterSettingUpIndexBuild";

test("is none: neither for changes that are sent as inserts, nor for a comparison", async () => {
  await using mongod = await startMongod({ own: true, args: ["--setParameter", "enableTestCommands=1"] });
  await using client = await MongoClient.connect(mongod.uri);
  const db = client.db("t");
  const table = testTable("pk");
  const index: TargetIndex = { fields: [{ path: "pk", kind: "ascending" }], unique: true, origin: "primary" };
  await db.collection<{ pk: string }>(table.targetName).insertOne({ pk: "a" });
  await client.db("admin").command({ configureFailPoint: HOLD, mode: "alwaysOn" });
  const built = db.collection(table.targetName).createIndex({ pk: 1 }, { unique: true });
  try {
    await eventually(async () => expect(await db.collection(table.targetName).indexes()).toHaveLength(2));
    expect(await hasUniqueKey(db, table, ["pk"])).toBe(false);
    expect(await indexFaults(db, table, [index])).toEqual([{ wanted: index }]);
  } finally {
    await client.db("admin").command({ configureFailPoint: HOLD, mode: "off" });
  }
  await built;
  expect(await hasUniqueKey(db, table, ["pk"])).toBe(true);
  expect(await indexFaults(db, table, [index])).toEqual([]);
});
