/** The plugin `filter`, on tables and on records. */
import { describe, expect, test } from "bun:test";
import type { Item, SourceRecord, Table } from "../../../core/types.ts";
import filter from "../../../plugins/transform/filter.ts";
import { testTable } from "../../fakes/context.ts";
import { type HookPlugin, hookPlugins, refusal } from "./hook-plugin.ts";

const set = (options: Record<string, string>): Promise<HookPlugin> => hookPlugins([[filter, options]]);
const table = (name: string): Table => testTable("pk", undefined, { name, targetName: name });

describe("tables", () => {
  test.each([
    ["a", ["a"]],
    ["a;log.*", ["a", "log.x", "log.y"]],
    [" a ; ;b", ["a", "b"]],
    ["!log*", ["a", "b", "ab"]],
    ["*;!a*", ["b", "log.x", "log.y"]],
    ["a*;!ab", ["a"]],
    ["log?x", []],
    ["", ["a", "b", "ab", "log.x", "log.y"]],
  ])("%p", async (tables, expected) => {
    const { setup } = await set({ tables });
    const left = await setup(["a", "b", "ab", "log.x", "log.y"].map(table));
    expect(left.map(({ name }) => name)).toEqual(expected);
  });

  test("says how many are left out, and which pattern matches none", async () => {
    const { setup, log } = await set({ tables: "a;b*;!c" });
    await setup([table("a"), table("d")]);
    expect(log).toEqual([
      "warn: plugin.filter.tables: b* matches no table",
      "warn: plugin.filter.tables: !c matches no table",
      "info: plugin.filter.tables: 1 of 2 tables are left out",
    ]);
  });
});

const IN: Item = { pk: { S: "k" }, n: { N: "5" } };
const OUT: Item = { pk: { S: "k" }, n: { N: "1" } };

describe("where", () => {
  test.each<[string, Omit<SourceRecord, "keys">, string | undefined]>([
    ["a scanned item inside", { op: "put", event: "SCAN", item: IN }, "put SCAN"],
    ["a scanned item outside", { op: "put", event: "SCAN", item: OUT }, undefined],
    ["an insert outside", { op: "put", event: "INSERT", item: OUT }, undefined],
    ["a change that enters", { op: "put", event: "MODIFY", item: IN, oldItem: OUT }, "put INSERT"],
    ["a change that leaves", { op: "put", event: "MODIFY", item: OUT, oldItem: IN }, "delete REMOVE"],
    ["a removal inside", { op: "delete", event: "REMOVE", oldItem: IN }, "delete REMOVE"],
    ["a removal outside", { op: "delete", event: "REMOVE", oldItem: OUT }, undefined],
    ["a removal of something unknown", { op: "delete", event: "REMOVE" }, "delete REMOVE"],
  ])("%s", async (_, record, expected) => {
    const { fetched } = await set({ where: "n > 3" });
    const phase = record.event === "SCAN" ? "full" : "incr";
    const [found] = await fetched(table("t"), [{ keys: { pk: { S: "k" } }, ...record }], phase);
    expect(found && `${found.op} ${found.event}`).toBe(expected!);
  });

  test("a table's own condition stands in place of the general one; an empty one keeps all", async () => {
    const plugin = await set({ where: "n > 3", "where.my.table": "n < 3", "where.all": "" });
    const kept = async (name: string): Promise<boolean[]> =>
      Promise.all([IN, OUT].map(async (item) => (await plugin.item(table(name), item)) !== undefined));
    expect(await kept("t")).toEqual([true, false]);
    expect(await kept("my.table")).toEqual([false, true]);
    expect(await kept("all")).toEqual([true, true]);
  });

  test("warns of a table that isn't migrated", async () => {
    const { setup, log } = await set({ "where.orders": "n > 3", "where.t": "n > 3" });
    await setup([table("t")]);
    expect(log).toEqual(["warn: plugin.filter.where.orders: no table of this name is migrated"]);
  });
});

test("what isn't asked for has no hook", async () => {
  const { ctx } = await set({ tables: "a", "where.a": "" });
  expect(ctx.listens("fetch:after")).toBe(false);
  const { ctx: other } = await set({ where: "a = 1" });
  expect([other.listens("setup"), other.listens("fetch:after")]).toEqual([false, true]);
});

test("the records themselves aren't touched: only keep is called", async () => {
  const { ctx } = await set({ where: "n > 3" });
  let kept = 0;
  const event = { table: table("t"), keep: () => void kept++ } as unknown as Parameters<
    Parameters<typeof ctx.hook<"fetch:after">>[1]
  >[0];
  Object.defineProperty(event, "records", { get: () => expect.unreachable() });
  await ctx.call("fetch:after", event);
  expect(kept).toBe(1);
});

test("what can't be read is refused, with its key, its position and what is allowed", async () => {
  expect(await refusal(set({ "where.orders": "status == 1" }))).toStartWith(
    "plugin.filter.where.orders: expected a path or a literal, found = at position 9: status == 1 (a condition is made of = <> ",
  );
  expect(await refusal(set({ wher: "a = 1" }))).toBe(
    "plugin.filter.wher: no such option (the options are tables, where, where.<table>)",
  );
  expect(await refusal(set({ where: 5 as unknown as string }))).toContain("where: must be a text");
});
