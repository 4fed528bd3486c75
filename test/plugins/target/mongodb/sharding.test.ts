/** The target plugin by itself before a stand-in for a mongos. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Db, type Document, Int32, MongoClient } from "mongodb";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import { documentId } from "../../../../plugins/_bson/document-id.ts";
import { planIndexes } from "../../../../core/schema/indexes.ts";
import type { Target } from "../../../../core/plugin/roles.ts";
import type { Batch, Item, SourceRecord, Table, TargetIndex } from "../../../../core/types.ts";
import change from "../../../../plugins/convert/change.ts";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { initialChunks, withoutUnique } from "../../../../plugins/target/mongodb/sharding.ts";
import { scanned, testConfig, testTable } from "../../../fakes/context.ts";
import { sharedServers } from "../../../servers/shared.ts";
import { type Mongos, startMongos } from "../../../stand-in/mongos.ts";

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

describe("documents that others have made, with an _id of theirs", () => {
  const key = ({ pk, sk }: Item): Item => ({ pk: pk!, sk: sk! });
  /** Changes as core hands them over: what has an item is put. */
  function changes(ctx: OwnedContext, table: Table, ...each: Partial<SourceRecord>[]): Batch {
    const records = each.map((record): SourceRecord => ({
      op: record.item === undefined ? "delete" : "put",
      event: "REMOVE",
      keys: key(record.item ?? record.keys!),
      key: undefined,
      document: undefined,
      ...record,
    }));
    ctx.role("convert").convert(records, table);
    return { unit: { phase: "incr", table, shard: "s" }, records };
  }
  /** A table as NimoShake leaves it. */
  async function theirs(): Promise<{ table: Table; found: () => Promise<Document[]> }> {
    const table = newTable();
    const collection = db.collection(table.targetName);
    await collection.insertMany(items.map(({ pk, sk, v }) => ({ pk: pk!.S, sk: sk!.S, v: Number(v!.N) })));
    return { table, found: () => collection.find().sort({ sk: 1 }).toArray() };
  }
  const [first, second, third] = items as [Item, Item, Item];
  const added = { ...first, sk: { S: "9" } };

  test.each([true, false])("changes find them, and what is new gets its own (upsert %j)", async (upsert) => {
    await using mongos = await startMongos(mongoUri);
    await using process = await startProcess(mongos, { "increase.executor.upsert": String(upsert) });
    const { table, found } = await theirs();
    const before = await found();
    const batch = changes(
      process,
      table,
      { event: "MODIFY", item: { ...first, v: { S: "new" }, $x: { S: "y" } } },
      { event: "INSERT", item: { ...second, v: { S: "new" } } },
      { event: "INSERT", item: added },
      { event: "REMOVE", keys: key(third) },
      { event: "REMOVE", keys: { ...key(third), sk: { S: "no" } } },
    );
    const expected = { replaced: 2, inserted: 1, deleted: 1, missed: 1 };
    expect(await process.target.apply!(batch, never)).toMatchObject(expected);
    const after = await found();
    expect(after.map(({ v }) => v)).toEqual(["new", "new", 3, 4, 0]);
    expect(after.slice(0, 2).map(({ _id }) => _id)).toEqual(before.slice(0, 2).map(({ _id }) => _id));
    expect(String(after[4]!["_id"])).toBe(Buffer.from(documentId(added, table.keys)).toString("hex"));
    expect(after[0]).toMatchObject({ $x: "y" });
    // The whole shard key: one shard is asked.
    const asked = mongos.sent("update", "delete").flatMap((each) => each["updates"] ?? each["deletes"]);
    for (const { q } of asked) expect(Object.keys(q)).toEqual(["pk", "sk"]);
    const again = { replaced: 3, inserted: 0, deleted: 0, missed: 2 };
    expect(await process.target.apply!(batch, never)).toMatchObject(again);
    expect(await found()).toEqual(after);
  });

  test("a lost answer doubles nothing", async () => {
    await using mongos = await startMongos(mongoUri, {
      fate: (command, number) => (command === "update" && number === 1 ? "lose" : "pass"),
    });
    await using process = await startProcess(mongos);
    const { table, found } = await theirs();
    await process.target.apply!(changes(process, table, { event: "INSERT", item: added }), never);
    expect(mongos.lost).toBe(1);
    expect(await found()).toHaveLength(6);
  });

  test("strictly: an insert of what is there is refused, one of the very same isn't", async () => {
    await using mongos = await startMongos(mongoUri);
    const strictly = { "increase.executor.insert_on_dup_update": "false" };
    await using process = await startProcess(mongos, strictly);
    const { table, found } = await theirs();
    const batch = changes(process, table, { event: "INSERT", item: first }, { event: "INSERT", item: added });
    expect(await process.target.apply!(batch, never)).toMatchObject({ inserted: 1, duplicates: 1 });
    const changed = changes(process, table, { event: "INSERT", item: { ...second, v: { S: "new" } } });
    await expect(process.target.apply!(changed, never)).rejects.toMatchObject({ code: "DUPLICATE_KEY" });
    expect(await found()).toHaveLength(6);
  });

  test("a table copied again over them doubles nothing", async () => {
    await using mongos = await startMongos(mongoUri);
    await using process = await startProcess(mongos);
    const { table, found } = await theirs();
    const before = await found();
    const indexes = planIndexes(table, process.role("convert"), false);
    await process.target.resume(table, { units: [], indexes }, never);
    const batch = batchOf(process, table, { v: { S: "new" } });
    expect(await process.target.write(batch, never)).toMatchObject({ inserted: 0, replaced: 5 });
    expect(await found()).toEqual(before.map((each) => ({ ...each, v: "new" })));
    const built = await db.collection(table.targetName).indexes();
    expect(built.map(({ name }) => name).sort()).toEqual(["_id_", "pk_1_sk_1", "pk_hashed"]);
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
