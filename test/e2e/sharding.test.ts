/** `target.mongodb.type = sharding`: the whole tool before a stand-in for a mongos, by the commands it sends. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { BSON, type Document, Long, type ObjectId } from "mongodb";
import { loadConfig } from "../../core/config/load.ts";
import { documentId } from "../../plugins/_bson/document-id.ts";
import { runMigration } from "../../core/run/run.ts";
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import type { Progress } from "../../core/progress/progress.ts";
import type { Item } from "../../core/types.ts";
import { testTable } from "../fakes/context.ts";
import type { Fate } from "../stand-in/mongo-proxy.ts";
import { startMongos } from "../stand-in/mongos.ts";
import { expectVerified } from "./equal.ts";
import { scenario, someItems } from "./helpers.ts";
import type { Attributes, Key, Scenario, Settings } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { builtinPlugin } from "../../plugins/index.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const COUNT = 300;
const small = { "full.document.write.batch": 25, "full.read.concurrency": 2 };
/** A hook that sees records sends them the way of objects. */
const watcher: AnyPlugin = {
  name: "watcher",
  setup: (ctx) => ctx.hook("write:before", () => {}),
};

function sharding(s: Scenario, address: string, changes: Settings = {}): Settings {
  return {
    "target.mongodb.type": "sharding",
    "target.address": address,
    "checkpoint.type": "file",
    "checkpoint.address": join(s.folder, "checkpoint"),
    ...changes,
  };
}

/** Runs in this process, with these plugins. */
function migrated(s: Scenario, settings: Settings, plugins: AnyPlugin[] = []): Promise<Progress> {
  const set = Object.fromEntries(
    Object.entries(s.settings(settings)).map(([key, value]) => [key, String(value)]),
  );
  return runMigration({ builtins: builtinPlugin, config: loadConfig({ set }).config, plugins });
}

/** The documents' bytes, by `_id`. */
async function bytesById(s: Scenario, table: string): Promise<Map<string, string>> {
  const all = await s.db.collection(table).find({}, { raw: true }).toArray();
  const entries = (all as unknown as Buffer[]).map((bytes): [string, string] => [
    String(BSON.deserialize(bytes)["_id"]),
    bytes.toString("hex"),
  ]);
  return new Map(entries);
}

function idsOf(items: Attributes[], [partition, sort]: Key): string[] {
  const named = (key?: string) => key?.split(":")[0];
  const schema = testTable(named(partition)!, named(sort)).keys;
  return items.map((item) => Buffer.from(documentId(item as Item, schema)).toString("hex")).sort();
}

describe("the commands", () => {
  test.each<[string, Key, Settings, string]>([
    ["partition key", ["pk"], {}, "pk"],
    ["partition and sort key", ["pk", "sk:N"], {}, "pk"],
    ["raw", ["pk:N", "sk:B"], { "convert.type": "raw" }, "pk.N"],
    ["a key called _id", ["_id"], {}, "_id"],
    ["a key called _id, with a prefix", ["_id"], { "convert._id": "pre" }, "pre_id"],
  ])("%s: made, sharded while empty, filled, indexed", async (_, key, settings, path) => {
    await using s = await scenario();
    const sk = key[1]?.split(":")[0];
    const value: Record<string, object> = { S: { S: "a" }, N: { N: "1" }, B: { B: "AQ==" } };
    const item = Object.fromEntries(
      key.map((part) => [part!.split(":")[0]!, value[part!.split(":")[1] ?? "S"]!]),
    );
    const table = await s.table("t", { key, gsi: { byG: ["g"] }, items: [item] });
    await using mongos = await startMongos(s.mongoUri);
    await migrated(s, sharding(s, mongos.uri, settings));

    const names = ["create", "enableSharding", "shardCollection", "createIndexes", "insert"];
    const sent = mongos.sent(...names);
    // Of so few items the indexes come first, and are looked at in the end.
    expect(sent.map((command) => Object.keys(command)[0])).toEqual([...names, "createIndexes"]);
    const [create, enable, shard, indexes] = sent as [Document, Document, Document, Document];
    expect(create).toMatchObject({ create: table, $db: s.id });
    expect(enable).toEqual({ enableSharding: s.id, $db: "admin" });
    expect(shard).toEqual({ shardCollection: `${s.id}.${table}`, key: { [path]: "hashed" }, $db: "admin" });
    expect((indexes["indexes"] as Document[]).filter(({ unique }) => unique)).toEqual([]);
    const suffix: Record<string, string> = { "pk.N": ".B" };
    const composite = sk ? `${path}_1_${sk}${suffix[path] ?? ""}_1` : `${path}_1`;
    const g = settings["convert.type"] === "raw" ? "g.S_hashed" : "g_hashed";
    const built = (indexes["indexes"] as Document[]).map(({ name }) => String(name));
    expect(built).toEqual([...(composite === "_id_1" ? [] : [composite]), `${path}_hashed`, g]);
    expect(Object.keys(await s.indexes(table)).sort()).toEqual(built.sort());
  });

  test("a lost answer to any of them", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    const commands = ["create", "enableSharding", "shardCollection", "listShards", "createIndexes"];
    await using mongos = await startMongos(s.mongoUri, {
      fate: (command, number): Fate => (commands.includes(command) && number === 1 ? "lose" : "pass"),
    });
    const run = await s.cli(sharding(s, mongos.uri));
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(mongos.lost).toBeGreaterThanOrEqual(commands.length);
    expect(mongos.count("shardCollection")).toBe(2);
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
    await expectVerified(s, COUNT, sharding(s, mongos.uri));
  });
});

describe("_id is made of the key", () => {
  const strings = ["a", "é日😀", '"\\/\n\u0001', "a\u2028b"];
  const cases: [string, Key, Attributes[]][] = [
    ["S", ["pk"], strings.map((S) => ({ pk: { S }, v: { N: "1" } }))],
    ["N", ["pk:N"], ["0", "-1.5", "12345678901234567", "0.1"].map((N) => ({ pk: { N }, v: { S: "x" } }))],
    ["B", ["pk:B"], ["AP9/", "AQ==", "+/+/"].map((B) => ({ v: { S: "x" }, pk: { B } }))],
    [
      "S and N",
      ["pk", "sk:N"],
      strings.flatMap((S) =>
        ["1", "10"].map((N) => ({ sk: { N }, v: { M: { pk: { S: "other" } } }, pk: { S } })),
      ),
    ],
    ["B and S", ["pk:B", "sk"], strings.map((S) => ({ pk: { B: "AP9/" }, sk: { S } }))],
  ];
  for (const type of ["change", "mchange", "raw"]) {
    // Doubles can't hold the longest key.
    const itemsFor = (items: Attributes[]) =>
      items.filter(({ pk }) => type !== "mchange" || (pk as { N?: string }).N?.length !== 17);
    test.each(cases)(`${type}, %s: the same both ways`, async (_, key, all) => {
      await using s = await scenario();
      const items = itemsFor(all);
      const table = await s.table("t", { key, items });
      await using mongos = await startMongos(s.mongoUri);
      const settings = sharding(s, mongos.uri, { "convert.type": type, "target.db.exist": "drop" });
      await migrated(s, settings);
      const short = await bytesById(s, table);
      expect([...short.keys()].sort()).toEqual(idsOf(items, key));
      await migrated(s, settings, [watcher]);
      expect(await bytesById(s, table)).toEqual(short);
      await expectVerified(s, items.length, settings);
    });
  }

  test("a plugin that sets _id is refused", async () => {
    await using s = await scenario();
    await s.table("t", { items: someItems(1) });
    await using mongos = await startMongos(s.mongoUri);
    const meddler: AnyPlugin = {
      name: "meddler",
      setup: (ctx) =>
        ctx.hook("convert:after", ({ records }) => {
          for (const { document } of records) document!["_id"] = "mine";
        }),
    };
    const run = migrated(s, sharding(s, mongos.uri), [meddler]);
    await expect(run).rejects.toMatchObject({
      code: "DATA_UNFIT",
      message: expect.stringContaining("sets _id"),
    });
  });

  test("an attribute called _id that is not the key: refused, and what to do", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: [{ pk: { S: "a" }, _id: { S: "b" } }] });
    await using mongos = await startMongos(s.mongoUri);
    const run = await s.cli(sharding(s, mongos.uri));
    expectRefusal(run, { exit: 1, code: "DATA_UNFIT", says: ["_id", table] });
    expect(run.stderr).toContain("convert._id = pre");
  });

  test("a key called _id stays the _id", async () => {
    await using s = await scenario();
    const table = await s.table("t", { key: ["_id"], items: [{ _id: { S: "a" } }] });
    await using mongos = await startMongos(s.mongoUri);
    await migrated(s, sharding(s, mongos.uri));
    expect(await s.documents(table)).toEqual([{ _id: "a" as unknown as ObjectId }]);
  });
});

describe("nothing twice", () => {
  test.concurrent.each([
    ["short way, duplicates replaced", true, []],
    ["short way, duplicates refused", false, []],
    ["way of objects, duplicates replaced", true, [watcher]],
    ["way of objects, duplicates refused", false, [watcher]],
  ])("lost answers of inserts and of the replaces behind them: %s", async (_, replaces, plugins) => {
    await using s = await scenario();
    const items = someItems(COUNT).map((item) => ({ ...item, sk: { N: "1.5" }, $odd: { S: "x" } }));
    const table = await s.table("t", { key: ["pk", "sk:N"], items });
    await using mongos = await startMongos(s.mongoUri, {
      fate: (command, number): Fate =>
        (command === "insert" && [1, 4, 6].includes(number)) || (command === "update" && number === 1)
          ? "lose"
          : "pass",
    });
    const settings = { ...small, "full.executor.insert_on_dup_update": replaces };
    await migrated(s, sharding(s, mongos.uri, settings), plugins);
    expect(mongos.lost).toBeGreaterThanOrEqual(4);
    expect([...(await bytesById(s, table)).keys()].sort()).toEqual(idsOf(items, ["pk", "sk"]));
    await expectVerified(s, COUNT, sharding(s, mongos.uri, settings));
    const pks = (await s.documents(table)).map(({ pk }) => pk);
    expect(new Set(pks).size).toBe(COUNT);

    const updates = mongos.sent("update").flatMap((command) => command["updates"] as Document[]);
    expect(updates.length).toBeGreaterThan(0);
    for (const { q, u, upsert } of updates) {
      expect(Object.keys(q)).toEqual(["_id", "pk"]);
      expect(upsert).toBe(true);
      expect(Object.keys(u[0])).toEqual(["$replaceWith"]);
    }
  });

  test.concurrent("a key called _id, duplicates refused: its own resend is no duplicate", async () => {
    await using s = await scenario();
    const items = someItems(COUNT).map(({ pk, ...rest }) => ({ _id: pk!, ...rest }));
    const table = await s.table("t", { key: ["_id"], items });
    await using mongos = await startMongos(s.mongoUri, {
      fate: (command, number) => (command === "insert" && number === 2 ? "lose" : "pass"),
    });
    const settings = { ...small, "full.executor.insert_on_dup_update": false };
    await migrated(s, sharding(s, mongos.uri, settings));
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
  });

  test.concurrent("a process killed while it writes, and started again", async () => {
    await using s = await scenario();
    const items = someItems(COUNT);
    const table = await s.table("t", { items });
    let killed = false;
    await using mongos = await startMongos(s.mongoUri, {
      fate: (command, number) => (!killed && command === "insert" && number >= 5 ? "hold" : "pass"),
    });
    const conf = s.conf(s.settings(sharding(s, mongos.uri, small)));
    const running = s.start([`-conf=${conf}`]);
    while (mongos.count("insert") < 6) await Bun.sleep(10);
    await Bun.sleep(200);
    running.kill("SIGKILL");
    await running.done;
    killed = true;
    expect(await s.db.collection(table).countDocuments({})).toBeGreaterThan(0);

    const run = await s.run([`-conf=${conf}`]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect([...(await bytesById(s, table)).keys()].sort()).toEqual(idsOf(items, ["pk"]));
    expect(mongos.sent("shardCollection").map(({ key }) => key)).toEqual([
      { pk: "hashed" },
      { pk: "hashed" },
    ]);
  });

  test.concurrent("a shard that is away for a moment", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    let refused = 0;
    await using mongos = await startMongos(s.mongoUri, {
      answer: (_, name) =>
        name === "insert" && refused++ < 2
          ? {
              n: Long.ZERO,
              writeErrors: [{ index: 0, code: 189, errmsg: "primary stepped down" }],
              ok: 1,
            }
          : undefined,
    });
    const progress = await migrated(s, sharding(s, mongos.uri, small));
    expect(progress.tables.get(table)).toMatchObject({ read: COUNT, written: COUNT });
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
  });
});

describe("mongos or not", () => {
  test.concurrent("sharding on something else: refused before anything is written", async () => {
    await using s = await scenario();
    await s.table("t", { items: someItems(1) });
    const run = await s.cli(sharding(s, s.mongoUri));
    expectRefusal(run, { exit: 2, code: "CONFIG_INVALID", says: ["is no mongos"] });
    expect(run.stderr).toMatch(/\nhint: .*target\.mongodb\.type = replica/);
    expect(await s.collections()).toEqual([]);
  });

  test.concurrent("replica on a mongos: unsharded collections with their unique index, and the log says so", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(3) });
    await using mongos = await startMongos(s.mongoUri);
    const run = await s.cli(sharding(s, mongos.uri, { "target.mongodb.type": "replica" }));
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/mongos.*replica/);
    expect(mongos.count("shardCollection") + mongos.count("enableSharding")).toBe(0);
    expect(Object.keys(await s.indexes(table)).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
  });
});
