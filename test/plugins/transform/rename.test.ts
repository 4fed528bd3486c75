/** The plugin `rename`, on tables and on attributes. */
import { describe, expect, test } from "bun:test";
import type { Item, SourceRecord } from "../../../core/types.ts";
import filter from "../../../plugins/transform/filter.ts";
import rename from "../../../plugins/transform/rename.ts";
import { keyAttribute, testTable } from "../../fakes/context.ts";
import { type HookPlugin, hookPlugins, refusal } from "./hook-plugin.ts";

const set = (options: Record<string, string>): Promise<HookPlugin> => hookPlugins([[rename, options]]);

describe("tables", () => {
  test.each([
    ["orders", "customers"],
    ["other-1", "copy-1"],
    ["x-1-y-2", "1.2"],
    ["toString", "toString"],
    ["a:b", "c;d"],
  ])("%s: %s", async (name, expected) => {
    const { before } = await set({
      tables: "orders:customers; orders:never ;other-*:copy-*;x-*-y-*:*.*;a\\:b:c\\;d",
    });
    const table = testTable("pk", undefined, { name, targetName: name });
    await before(table);
    expect(table.targetName).toBe(expected);
  });

  test("a pair that matches no table is a warning", async () => {
    const { setup, log } = await set({ tables: "a:b;c*:d*" });
    await setup([testTable("pk", undefined, { name: "a" })]);
    expect(log).toEqual(["warn: plugin.rename.tables: c* matches no table"]);
  });
});

describe("attributes", () => {
  test("of items, in the order they had", async () => {
    const { item } = await set({ attributes: "a:z;b:a;odd\\:\\;\\\\:__proto__;gone:never" });
    const item1: Item = { pk: { S: "k" }, a: { N: "1" }, "odd:;\\": { S: "p" }, b: { N: "2" } };
    const renamed = (await item(testTable("pk"), item1))!;
    expect(Object.entries(renamed)).toEqual([
      ["pk", { S: "k" }],
      ["z", { N: "1" }],
      ["__proto__", { S: "p" }],
      ["a", { N: "2" }],
    ]);
    expect(Object.getPrototypeOf(renamed)).toBe(Object.prototype);
  });

  const image = (n: string): Item => ({ pk: { S: "k" }, a: { N: n }, b: { S: "b" } });
  const renamed = (n: string): Item => ({ id: { S: "k" }, b: { N: n }, a: { S: "b" } });
  test.each<[string, SourceRecord, Partial<SourceRecord>]>([
    [
      "an insert",
      { op: "put", event: "INSERT", keys: { pk: { S: "k" } }, item: image("1") },
      { item: renamed("1") },
    ],
    [
      "a change",
      { op: "put", event: "MODIFY", keys: { pk: { S: "k" } }, item: image("2"), oldItem: image("1") },
      { item: renamed("2"), oldItem: renamed("1") },
    ],
    [
      "a removal",
      { op: "delete", event: "REMOVE", keys: { pk: { S: "k" } }, oldItem: image("1") },
      { oldItem: renamed("1") },
    ],
    ["a removal without its old image", { op: "delete", event: "REMOVE", keys: { pk: { S: "k" } } }, {}],
  ])("%s: both images, but keys keep the source's names; a swap", async (_, record, expected) => {
    const { fetched } = await set({ attributes: "pk:id;a:b;b:a" });
    const { op, event, keys } = record;
    const [found] = await fetched(testTable("pk"), [record], "incr");
    expect(found).toEqual({ op, event, keys, ...expected });
    // A second time changes nothing.
    expect(await fetched(testTable("pk"), [record], "incr")).toEqual([{ op, event, keys, ...expected }]);
  });

  test("of one table, before the general ones", async () => {
    const { item } = await set({ attributes: "a:x;b:y", "attributes.t": "a:own;c:z", "attributes.u": "" });
    const all: Item = { pk: { S: "k" }, a: { N: "1" }, b: { N: "2" }, c: { N: "3" } };
    expect(Object.keys((await item(testTable("pk"), all))!)).toEqual(["pk", "own", "y", "z"]);
    for (const name of ["u", "other"]) {
      const renamed = await item(testTable("pk", undefined, { name }), all);
      expect(Object.keys(renamed!)).toEqual(["pk", "x", "y", "c"]);
    }
  });

  test("key attributes of the table and of its indexes get their target names, once each", async () => {
    const { before } = await set({ attributes: "pk:sk;sk:pk;g:h;x:y" });
    const table = testTable("pk", "sk");
    table.secondary = [
      { name: "i", kind: "LSI", partition: table.keys.partition, sort: keyAttribute("l:N") },
      {
        name: "j",
        kind: "GSI",
        partition: keyAttribute("g"),
        projection: { type: "INCLUDE", attributes: ["x", "z"] },
      },
    ];
    await before(table);
    expect(table.keys).toEqual({
      partition: { name: "pk", type: "S", targetName: "sk" },
      sort: { name: "sk", type: "S", targetName: "pk" },
    });
    expect(table.secondary).toEqual([
      {
        name: "i",
        kind: "LSI",
        partition: { name: "pk", type: "S", targetName: "sk" },
        sort: { name: "l", type: "N" },
      },
      {
        name: "j",
        kind: "GSI",
        partition: { name: "g", type: "S", targetName: "h" },
        projection: { type: "INCLUDE", attributes: ["y", "z"] },
      },
    ]);
  });

  test("a name that an item has already is an error that names the item", async () => {
    const { item } = await set({ attributes: "a:b" });
    for (const entries of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      const both = Object.fromEntries([
        ["pk", { S: "k" }],
        ...entries.map((name) => [name, { N: "1" }]),
      ]) as Item;
      expect(await refusal(item(testTable("pk"), both), "DATA_UNFIT")).toStartWith(
        'two attributes would be called b: table t, key {"pk":{"S":"k"}} (choose another',
      );
    }
  });

  test.each([
    ["x:sk", "x would be called sk, as the key attribute sk: table t"],
    ["pk:sk", "pk would be called sk, as the key attribute sk: table t"],
    ["pk:id;x:id2;sk:s;y:pk", undefined],
  ])("a key attribute's name can't be another's: %s", async (attributes, says) => {
    const { before } = await set({ attributes });
    if (says === undefined) await before(testTable("pk", "sk"));
    else expect(await refusal(before(testTable("pk", "sk")))).toContain(says);
  });

  test("a plugin behind sees the new names", async () => {
    const { item } = await hookPlugins([
      [rename, { attributes: "a:b" }],
      [filter, { where: "b = 1" }],
    ]);
    expect(await item(testTable("pk"), { pk: { S: "k" }, a: { N: "1" } })).toBeDefined();
    expect(await item(testTable("pk"), { pk: { S: "k" }, a: { N: "2" } })).toBeUndefined();
  });
});

test("a table's name alone costs no record hook; no options, no hook at all", async () => {
  const { ctx } = await set({ tables: "a:b" });
  expect(ctx.listens("fetch:after")).toBe(false);
  const { ctx: none } = await set({ tables: "", attributes: " ; " });
  expect((["setup", "table:before"] as const).some(none.listens)).toBe(false);
});

test.each<[Record<string, string>, string]>([
  [{ attributes: "a" }, "plugin.rename.attributes: a is no pair of names"],
  [{ attributes: "a:" }, "plugin.rename.attributes: a: is no pair of names"],
  [{ attributes: "a:b:c" }, "a:b:c is no pair of names"],
  [{ attributes: "a:x;b:x" }, "a and b would both be called x"],
  [{ attributes: "a:x;a:y" }, "a is renamed twice"],
  [
    { attributes: "a:x", "attributes.t": "b:x" },
    "plugin.rename.attributes.t: a and b would both be called x",
  ],
  [{ attributes: "a*:b*" }, "a*:b* has a *, which stands for nothing here"],
  [{ tables: "a:b*" }, "a:b* has a * in the new name"],
  [{ attribute: "a:b" }, "plugin.rename.attribute: no such option (the options are tables, attributes"],
])("%p is refused", async (options, says) => {
  expect(await refusal(set(options))).toContain(says);
});

test.each([
  [{ attributes: "id:_id" }, "pre", 1],
  [{ "attributes.t": "id:_id" }, "pre", 1],
  [{ attributes: "id:_id" }, "", 0],
  [{ attributes: "_id:id" }, "pre", 0],
])("%j with convert._id = %j: %d warnings", async (options, prefix, count) => {
  const { log } = await hookPlugins([[rename, options as Record<string, string>]], { "convert._id": prefix });
  expect(log).toHaveLength(count);
  if (count > 0) expect(log[0]).toContain("convert._id = pre makes it pre_id");
});
