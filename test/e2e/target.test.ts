/** What a run makes of the target: existing collections, indexes, `_id`, and names it can't take. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { definePlugin } from "../../core/plugin/plugin.ts";
import { scenario, someItems } from "./helpers.ts";
import type { Attributes, Key, Scenario, Settings, TableSpec } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { typed } from "./typed.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

describe("target.db.exist", () => {
  async function withExisting(s: Scenario): Promise<string> {
    const table = await s.table("c1", { items: someItems(3) });
    await s.table("c2", { items: someItems(1) });
    await s.db.collection<{ _id: string }>(table).insertOne({ _id: "old" });
    return table;
  }

  test.concurrent("unset: refused, nothing written, what is there stays", async () => {
    await using s = await scenario();
    const table = await withExisting(s);
    const run = await s.cli();
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^error \[TARGET_EXISTS\] .*c1/);
    expect(run.stderr).toMatch(/\nhint: .*target\.db\.exist/);
    expect(await s.collections()).toEqual([table]);
    expect(await s.documents(table)).toEqual([{ _id: "old" }]);
    expect(await s.indexes(table)).toEqual({});
  });

  test.concurrent("unset, and a view of that name: refused as well", async () => {
    await using s = await scenario();
    const table = await s.table("view", { items: someItems(1) });
    await s.db.createCollection(table, { viewOn: "other", pipeline: [] });
    expect((await s.cli()).stderr).toMatch(/^error \[TARGET_EXISTS\]/);
  });

  test.concurrent("rename: the old collection lives on as c1.2019-07-01Z12:10:11, in UTC", async () => {
    await using s = await scenario();
    const table = await withExisting(s);
    const before = Math.floor(Date.now() / SECOND) * SECOND;
    expect((await s.cli({ "target.db.exist": "rename" })).code).toBe(0);
    const renamed = (await s.collections()).filter((name) => name.startsWith(`${table}.`));
    expect(renamed).toHaveLength(1);
    const [, date, time] =
      /^\.(\d{4}-\d\d-\d\d)Z(\d\d:\d\d:\d\d)$/.exec(renamed[0]!.slice(table.length)) ?? [];
    const at = Date.parse(`${date}T${time}Z`);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
    expect(await s.documents(renamed[0]!)).toEqual([{ _id: "old" }]);
    expect(await s.db.collection(table).countDocuments({})).toBe(3);
  });

  test.concurrent("drop: only what is migrated is dropped", async () => {
    await using s = await scenario();
    const table = await withExisting(s);
    await s.db.collection<{ _id: string }>("bystander").insertOne({ _id: "mine" });
    expect((await s.cli({ "target.db.exist": "drop" })).code).toBe(0);
    expect(await s.db.collection(table).countDocuments({})).toBe(3);
    expect(await s.db.collection<{ _id: string }>(table).findOne({ _id: "old" })).toBeNull();
    expect(await s.documents("bystander")).toEqual([{ _id: "mine" }]);
  });

  test.concurrent.each<[string, "drop" | "rename", (s: Scenario) => string, string]>([
    ["no namespace", "drop", () => "x.system.y", "no collection of the name"],
    ["no name at all", "drop", () => ".hidden", "no collection of the name"],
    ["dots only", "drop", () => "..", "no collection of the name"],
    ["no namespace once it is renamed", "rename", () => "system", "can't be renamed"],
    [
      "too long once it is renamed",
      "rename",
      (s) => "y".repeat(254 - s.id.length - 1),
      "bytes, more than 255",
    ],
  ])("%s: refused before anything is dropped or renamed, %s", async (_what, exist, nameOf, says) => {
    await using s = await scenario();
    const first = await s.table("aaa", { items: someItems(1) });
    // Only the plugin knows how the table is called at the target.
    const second = await s.table("zzz", { items: someItems(1) });
    const name = nameOf(s);
    const renames = definePlugin({
      name: "renames",
      setup: (ctx) =>
        ctx.hook("table:before", ({ table }) => {
          if (table.name === second) table.targetName = name;
        }),
    });
    const there = exist === "rename" ? [first, name] : [first];
    for (const each of there) await s.db.collection<{ _id: string }>(each).insertOne({ _id: "old" });
    const run = await s.attempt({ "target.db.exist": exist }, { plugins: [renames] });
    expectRefusal(run, { exit: 2, code: "TABLE_UNFIT", says: [says, `table ${second}`] });
    expect(await s.collections()).toEqual(there.toSorted());
    for (const each of there) expect(await s.documents(each)).toEqual([{ _id: "old" }]);
  });

  test.concurrent("rename, and a view is in the way: refused before anything is renamed", async () => {
    await using s = await scenario();
    const first = await withExisting(s);
    const view = await s.table("view", { items: someItems(1) });
    await s.db.createCollection(view, { viewOn: first, pipeline: [] });
    const run = await s.attempt({ "target.db.exist": "rename" }, {});
    expectRefusal(run, { exit: 2, code: "TABLE_UNFIT", says: ["renames no view", `table ${view}`] });
    expect(await s.collections()).toEqual([first, "system.views", view].toSorted());
    expect(await s.documents(first)).toEqual([{ _id: "old" }]);
  });

  test.concurrent("a name that would be too long when renamed is fine where nothing is in the way", async () => {
    await using s = await scenario();
    const table = await s.table("y".repeat(250 - 2 * s.id.length - 2), { items: someItems(1) });
    for (let run = 0; run < 2; run++) await s.migrate({ "target.db.exist": run === 0 ? "rename" : "drop" });
    expect(await s.db.collection(table).countDocuments({})).toBe(1);
  });

  test.concurrent("a whitelisted table that isn't there: refused, nothing written, not even for the others", async () => {
    await using s = await scenario();
    const table = await withExisting(s);
    const run = await s.cli({
      "target.db.exist": "drop",
      "filter.collection.white": `${table};missing.${s.id}`,
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(new RegExp(`^error \\[TABLE_MISSING\\] .*missing\\.${s.id}`));
    expect(run.stderr).not.toContain(`no table ${table}`);
    expect(await s.documents(table)).toEqual([{ _id: "old" }]);
  });
});

describe("indexes", () => {
  const two: TableSpec = {
    key: ["pk", "sk:N"],
    gsi: { one: ["color"], both: ["color", "size:N"], back: ["sk:N", "pk"] },
    lsi: { bySize: ["pk", "size:N"], same: ["pk", "color"] },
    items: [{ pk: { S: "a" }, sk: { N: "1" }, color: { S: "red" }, size: { N: "2" } }],
  };
  const primary = { "pk_1_sk_1 unique": { pk: 1, sk: 1 }, pk_hashed: { pk: "hashed" } };

  test.concurrent.each<[string, TableSpec, Settings, object]>([
    ["partition key only", { key: ["pk"] }, {}, { "pk_1 unique": { pk: 1 }, pk_hashed: { pk: "hashed" } }],
    ["partition and sort key", { key: ["pk", "sk"] }, {}, primary],
    [
      "GSIs and LSIs: hashed, and the composite where there is a sort key, each once",
      two,
      {},
      {
        ...primary,
        color_hashed: { color: "hashed" },
        color_1_size_1: { color: 1, size: 1 },
        sk_hashed: { sk: "hashed" },
        sk_1_pk_1: { sk: 1, pk: 1 },
        pk_1_size_1: { pk: 1, size: 1 },
        pk_1_color_1: { pk: 1, color: 1 },
      },
    ],
    ["a GSI over the table's own key", { key: ["pk", "sk"], gsi: { again: ["pk", "sk"] } }, {}, primary],
    ["without the user's", two, { "full.enable_index.user": false }, primary],
    [
      "the primary ones can't be switched off",
      { key: ["pk", "sk"] },
      { "full.enable_index.primary": false },
      primary,
    ],
    [
      "raw",
      { key: ["pk", "sk:B"], gsi: { byG: ["color", "size:N"] } },
      { "convert.type": "raw" },
      {
        "pk.S_1_sk.B_1 unique": { "pk.S": 1, "sk.B": 1 },
        "pk.S_hashed": { "pk.S": "hashed" },
        "color.S_hashed": { "color.S": "hashed" },
        "color.S_1_size.N_1": { "color.S": 1, "size.N": 1 },
      },
    ],
  ])("%s", async (_, spec, settings, expected) => {
    await using s = await scenario();
    const table = await s.table("indexed", spec);
    await s.migrate(settings);
    expect(await s.indexes(table)).toEqual(expected as Record<string, object>);
  });
});

test.concurrent("a GSI added later, and items that aren't in it: copied, and the key's indexes stand", async () => {
  await using s = await scenario();
  const items: Attributes[] = [
    { pk: { S: "a" }, h: { S: "x" } },
    { pk: { S: "b" }, h: { L: [{ S: "x" }] } },
    { pk: { S: "c" }, h: { NS: ["1", "2"] } },
  ];
  const table = await s.table("added", { items });
  // The free server takes no GSI over such items.
  const adds = definePlugin({
    name: "adds",
    setup: (ctx) =>
      ctx.hook("table:before", (event) => {
        event.table.secondary = [{ name: "byH", kind: "GSI", partition: { name: "h", type: "S" } }];
      }),
  });
  expect(await s.attempt({}, { plugins: [adds] })).toMatchObject({ code: 0, stderr: "" });
  expect(await s.db.collection(table).countDocuments({})).toBe(3);
  expect(await s.indexes(table)).toEqual({
    "pk_1 unique": { pk: 1 },
    pk_hashed: { pk: "hashed" },
    h_1: { h: 1 },
  });
});

describe("_id", () => {
  async function copied(key: Key, item: Attributes, settings: Settings): Promise<[unknown, string[]]> {
    await using s = await scenario();
    const table = await s.table("ids", { key, items: [item] });
    await s.migrate(settings);
    const [document] = await s.documents(table);
    const id = document!["_id"] as { _bsontype?: string };
    const { _id, ...rest } = document!;
    const shown = id?._bsontype === "ObjectId" ? rest : { _id, ...rest };
    return [typed(shown), Object.keys(await s.indexes(table)).sort()];
  }
  const inner = { M: { _id: { S: "inner" } } };
  const unique = ["pk_1 unique", "pk_hashed"];

  test.concurrent.each<[string, Key, Attributes, Settings, object, string[]]>([
    ["the whole key: kept", ["_id"], { _id: { S: "a" } }, {}, { _id: "a" }, ["_id_hashed"]],
    [
      "the whole key, raw: kept",
      ["_id"],
      { _id: { S: "a" } },
      { "convert.type": "raw" },
      { _id: { S: "a" } },
      ["_id.S_1 unique", "_id.S_hashed"],
    ],
    [
      "the whole key, a prefix: renamed",
      ["_id"],
      { _id: { S: "a" } },
      { "convert._id": "pre" },
      { pre_id: "a" },
      ["pre_id_1 unique", "pre_id_hashed"],
    ],
    [
      "the sort key, a prefix",
      ["pk", "_id"],
      { pk: { S: "a" }, _id: { S: "b" } },
      { "convert._id": "pre" },
      { pk: "a", pre_id: "b" },
      ["pk_1_pre_id_1 unique", "pk_hashed"],
    ],
    [
      "an attribute, a prefix",
      ["pk"],
      { pk: { S: "a" }, _id: { S: "b" } },
      { "convert._id": "x-" },
      { pk: "a", "x-_id": "b" },
      unique,
    ],
    [
      "in a map, no prefix: kept",
      ["pk"],
      { pk: { S: "a" }, m: inner },
      {},
      { pk: "a", m: { _id: "inner" } },
      unique,
    ],
    [
      "in a map, change: prefixed",
      ["pk"],
      { pk: { S: "a" }, m: inner },
      { "convert._id": "pre" },
      { pk: "a", m: { pre_id: "inner" } },
      unique,
    ],
    [
      "in a map, mchange: kept",
      ["pk"],
      { pk: { S: "a" }, m: inner },
      { "convert._id": "pre", "convert.type": "mchange" },
      { pk: "a", m: { _id: "inner" } },
      unique,
    ],
    [
      "in a map, raw: prefixed",
      ["pk"],
      { pk: { S: "a" }, m: inner },
      { "convert._id": "pre", "convert.type": "raw" },
      { pk: { S: "a" }, m: { M: { pre_id: { S: "inner" } } } },
      ["pk.S_1 unique", "pk.S_hashed"],
    ],
  ])("%s", async (_, key, item, settings, expected, indexes) => {
    expect(await copied(key, item, settings)).toEqual([typed(expected), indexes]);
  });
});

describe("key attributes", () => {
  test.concurrent.each<[string, TableSpec, Settings]>([
    ["a dot in the partition key", { key: ["a.b"] }, {}],
    ["a leading $ in the sort key", { key: ["pk", "$s"] }, {}],
    ["a dot in a GSI's key", { key: ["pk"], gsi: { byG: ["g.h"] } }, {}],
    ["a dot, raw", { key: ["a.b"] }, { "convert.type": "raw" }],
  ])("%s: refused before anything is written", async (_, spec, settings) => {
    await using s = await scenario();
    await s.table("fine", { items: someItems(1) });
    const table = await s.table("dotted", spec);
    const run = await s.cli({ ...settings, "target.db.exist": "drop" });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^error \[TABLE_UNFIT\] the key attribute (a\.b|\$s|g\.h) /);
    expect(run.stderr).toContain(`table ${table}`);
    expect(run.stderr).toMatch(/\nhint: .*rename/);
    expect(await s.collections()).toEqual([]);
  });

  test.concurrent.each(["__proto__", "_bsontype", "a$b", "ключ", "a b", "constructor"])(
    "%s: works, over several pages",
    async (name) => {
      await using s = await scenario();
      const items = Array.from({ length: 30 }, (_, i) => ({
        [name]: { S: `k${String(i).padStart(2, "0")}` },
      }));
      const table = await s.table("named", { key: [name], items });
      const progress = await s.migrate({ "qps.full.batch_num": 7 });
      expect(progress.tables.get(table)).toMatchObject({ read: 30, written: 30 });
      const keys = (await s.documents(table)).map(
        (document) => Object.entries(document).find(([field]) => field === name)?.[1],
      );
      expect(keys.sort()).toEqual(items.map((_, i) => `k${String(i).padStart(2, "0")}`));
      expect(Object.keys(await s.indexes(table)).sort()).toEqual(
        [`${name}_1 unique`, `${name}_hashed`].sort(),
      );
    },
    20_000,
  );

  test.concurrent("a GSI's key with a dot doesn't matter when user indexes are off", async () => {
    await using s = await scenario();
    const table = await s.table("gsi", {
      key: ["pk"],
      gsi: { byG: ["g.h"] },
      items: [{ pk: { S: "a" }, "g.h": { S: "x" } }],
    });
    await s.migrate({ "full.enable_index.user": false });
    expect((await s.documents(table))[0]).toMatchObject({ pk: "a", "g.h": "x" });
  });
});
