/** The target plugin by itself before a stand-in for a mongos. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Db, type Document, Int32, MongoClient } from "mongodb";
import { createContext, type OwnedContext } from "../../../core/context.ts";
import { documentId } from "../../../core/document-id.ts";
import type { Target } from "../../../core/roles.ts";
import type { Batch, Item, Table, TargetIndex } from "../../../core/types.ts";
import change from "../../../plugins/convert/change.ts";
import mongodb from "../../../plugins/target/mongodb.ts";
import { initialChunks, withoutUnique } from "../../../plugins/target/_mongodb-sharding.ts";
import { scanned, testConfig, testTable } from "../../fake-context.ts";
import { sharedServers } from "../../servers/shared.ts";
import { type Mongos, startMongos } from "../../stand-in/mongos.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const GB = 1024 ** 3;
const never = new AbortController().signal;

let client: MongoClient;
let db: Db;
let mongoUri: string;
beforeAll(async () => {
  ({ mongoUri } = await sharedServers());
  client = await new MongoClient(mongoUri).connect();
  db = client.db(`sharding-${process.pid}`);
});
afterAll(async () => {
  await db.dropDatabase();
  await client.close();
});

let tables = 0;
const newTable = (more: Partial<Table> = {}): Table => {
  const name = `t${tables++}`;
  return testTable("pk", "sk", { name, targetName: name, ...more });
};

/** The plugins of one process. */
async function startProcess(
  mongos: Mongos,
  settings: Record<string, string> = {},
): Promise<OwnedContext & { target: Target }> {
  const config = testConfig({
    "target.mongodb.type": "sharding",
    "target.address": mongos.uri,
    id: db.databaseName,
    ...settings,
  });
  const ctx = createContext({ config, patience: 2000 });
  await ctx.use(change);
  await ctx.use(mongodb);
  return Object.assign(ctx, { target: ctx.role("target") });
}

const items: Item[] = Array.from({ length: 5 }, (_, i) => ({
  pk: { S: `k${i % 2}` },
  sk: { S: String(i) },
  v: { N: String(i) },
}));

/** A batch as core hands it over. */
function batchOf(ctx: OwnedContext, table: Table, changed: Item = {}): Batch {
  const records = items.map((item) => scanned({ ...item, ...changed }, table));
  ctx.role("convert").convert(records, table);
  return { unit: { phase: "full", table, segment: 0, segments: 1 }, records };
}

describe("chunks to begin with", () => {
  test.each<[string, number, number | undefined, Document]>([
    ["an empty table", 0, 2, {}],
    ["as many as the server's own", 4 * 0.125 * GB, 2, {}],
    ["one more", 4 * 0.125 * GB + 1, 2, { numInitialChunks: 5 }],
    ["100 GB on 3 shards", 100 * GB, 3, { numInitialChunks: 800 }],
    ["100 GB on 500 shards", 100 * GB, 500, {}],
    ["more than the server would make", 5000 * GB, 3, { numInitialChunks: 8192 }],
    ["nobody knows how many shards", 100 * GB, undefined, {}],
  ])("%s", (_, bytes, shards, expected) => {
    expect(initialChunks(bytes, shards)).toEqual(expected);
  });

  test("stand at the command's top level", async () => {
    await using mongos = await startMongos(mongoUri, { shards: 3 });
    await using process = await startProcess(mongos);
    const table = newTable({ sizeBytes: 100 * GB });
    await process.target.create(table, never);
    expect(mongos.sent("shardCollection")).toEqual([
      {
        shardCollection: `${db.databaseName}.${table.targetName}`,
        key: { pk: "hashed" },
        numInitialChunks: new Int32(800),
        $db: "admin",
      },
    ]);
  });

  test("are left out for a user who may not list the shards", async () => {
    await using mongos = await startMongos(mongoUri, {
      answer: (_, name) =>
        name === "listShards" ? { ok: 0, code: 13, errmsg: "not authorized on admin" } : undefined,
    });
    await using process = await startProcess(mongos);
    await process.target.create(newTable({ sizeBytes: 100 * GB }), never);
    expect(mongos.sent("shardCollection")[0]).not.toHaveProperty("numInitialChunks");
  });
});

describe("making a collection again", () => {
  test("after a crash between its creation and its sharding", async () => {
    await using mongos = await startMongos(mongoUri);
    await using process = await startProcess(mongos);
    const table = newTable();
    await db.createCollection(table.targetName);
    const before = await process.target.find(table, never);
    await process.target.create(table, never);
    expect(await process.target.find(table, never)).toBe(before!);
    expect(mongos.sent("shardCollection")).toHaveLength(1);
  });

  test("after a crash behind its sharding", async () => {
    await using mongos = await startMongos(mongoUri);
    for (let i = 0, table = newTable(); i < 2; i++) {
      await using process = await startProcess(mongos);
      await process.target.create(table, never);
    }
    expect(mongos.sent("shardCollection")).toHaveLength(2);
  });

  test("never one with documents", async () => {
    await using mongos = await startMongos(mongoUri);
    await using process = await startProcess(mongos);
    const table = newTable();
    await db.collection(table.targetName).insertOne({ a: 1 });
    await expect(process.target.create(table, never)).rejects.toMatchObject({ code: "TARGET_FAILED" });
    expect(mongos.sent("shardCollection")).toEqual([]);
  });

  test("a database that is enabled already, on a server that complains", async () => {
    await using mongos = await startMongos(mongoUri, {
      answer: (_, name) =>
        name === "enableSharding"
          ? { ok: 0, code: 23, errmsg: "sharding already enabled for database" }
          : undefined,
    });
    await using process = await startProcess(mongos);
    await process.target.create(newTable(), never);
    expect(mongos.sent("shardCollection")).toHaveLength(1);
  });

  test.each(["enableSharding", "shardCollection"])("who may not %s learns what to grant", async (denied) => {
    await using mongos = await startMongos(mongoUri, {
      answer: (_, name) => (name === denied ? { ok: 0, code: 13, errmsg: "not authorized" } : undefined),
    });
    await using process = await startProcess(mongos);
    await expect(process.target.create(newTable(), never)).rejects.toMatchObject({
      code: "TARGET_DENIED",
      hint: expect.stringContaining("enableSharding"),
    });
  });
});

describe("one process after another into one collection", () => {
  test.each([true, false])("resumed: nothing doubles, what changed is replaced (flag %j)", async (flag) => {
    const settings = { "full.executor.insert_on_dup_update": String(flag) };
    await using mongos = await startMongos(mongoUri);
    const table = newTable();
    {
      await using first = await startProcess(mongos, settings);
      await first.target.create(table, never);
      const result = await first.target.write(batchOf(first, table), never);
      expect(result).toMatchObject({ inserted: 5, replaced: 0, duplicates: 0 });
    }
    await using second = await startProcess(mongos, settings);
    await second.target.resume(table, { units: [], indexes: [] }, never);
    const batch = batchOf(second, table, { v: { S: "new" }, $x: { S: "y" } });
    expect(await second.target.write(batch, never)).toMatchObject({ inserted: 0, replaced: 5 });
    const found = await db.collection(table.targetName).find().toArray();
    expect(found.map(({ v }) => v)).toEqual(["new", "new", "new", "new", "new"]);
    const ids = items.map((item) => Buffer.from(documentId(item, table.keys)).toString("hex"));
    expect(found.map(({ _id }) => String(_id)).sort()).toEqual(ids.sort());
    expect(Object.keys(found[0]!)[0]).toBe("_id");
    // The second found documents there: no word of chunks.
    expect(mongos.sent("shardCollection")).toHaveLength(2);
  });

  test("fresh, and a key is there already: refused, unless it is to be replaced", async () => {
    await using mongos = await startMongos(mongoUri);
    const table = newTable();
    {
      await using first = await startProcess(mongos);
      await first.target.create(table, never);
      await first.target.write(batchOf(first, table), never);
    }
    await using second = await startProcess(mongos, { "full.executor.insert_on_dup_update": "false" });
    await expect(second.target.write(batchOf(second, table), never)).rejects.toMatchObject({
      code: "DUPLICATE_KEY",
    });
    await using third = await startProcess(mongos);
    expect(await third.target.write(batchOf(third, table), never)).toMatchObject({ replaced: 5 });
    expect(await third.target.count(table, never)).toBe(5);
  });
});

test("the target says that it guards keys", async () => {
  await using mongos = await startMongos(mongoUri);
  await using sharded = await startProcess(mongos);
  expect(sharded.target.guardsKeys).toBe(true);
  await using replica = await startProcess(mongos, { "target.mongodb.type": "replica" });
  expect(replica.target.guardsKeys).toBe(false);
});

test("primary indexes lose their uniqueness, a plugin's keeps it", () => {
  const index: TargetIndex = { fields: [{ path: "a", kind: "ascending" }], unique: true, origin: "primary" };
  const users: TargetIndex = { ...index, origin: "user" };
  expect(withoutUnique([index, users])).toEqual([{ ...index, unique: false }, users]);
});
