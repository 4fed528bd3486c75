/** The indexes of a table with one page, before its first write: when they are asked for. */
import { expect, test } from "bun:test";
import type { Context } from "../../../core/plugin/context.ts";
import type { Page } from "../../../core/types.ts";
import { copied, TABLE } from "../../fakes/copying.ts";
import { memorySource, memoryTarget, numbered, page } from "../../fakes/context.ts";

const FIRST: Page = { ...page(numbered(TABLE, 0, 3)), position: { pk: { S: "2" } } };

test.each<[string, Page[][], ((ctx: Context) => void) | undefined, string[]]>([
  ["one page", [[page(numbered(TABLE, 0, 3))]], undefined, ["indexFirst", "write"]],
  [
    "one page, which is as many as are few",
    [[page(numbered(TABLE, 0, 2000))]],
    undefined,
    ["indexFirst", "write"],
  ],
  ["one page of many", [[page(numbered(TABLE, 0, 2001))]], undefined, ["write"]],
  ["none", [[page([])]], undefined, []],
  ["two pages", [[FIRST, page(numbered(TABLE, 3, 1))]], undefined, ["write"]],
  [
    "two segments",
    [[page(numbered(TABLE, 0, 1))], [page(numbered(TABLE, 1, 1))]],
    undefined,
    ["write", "write"],
  ],
  [
    "a hook that may change them",
    [[page(numbered(TABLE, 0, 3))]],
    (ctx) => ctx.hook("index:before", () => {}),
    ["write"],
  ],
  [
    "a hook that decides what becomes of failures",
    [[page(numbered(TABLE, 0, 3))]],
    (ctx) => ctx.hook("error", () => {}),
    ["write"],
  ],
])("%s", async (_, segments, plugin, calls) => {
  const seen: string[] = [];
  const target = memoryTarget(async () => void seen.push("write"));
  target.indexFirst = async (table, indexes) => {
    expect([table, indexes.length]).toEqual([TABLE, 2]);
    seen.push("indexFirst");
  };
  const { surplus } = await copied(memorySource(segments.map((pages) => () => pages)), target, {}, plugin);
  await surplus;
  expect(seen).toEqual(calls);
});

test("what they fail with ends the copy, before anything is written", async () => {
  const target = memoryTarget();
  target.indexFirst = () => Promise.reject(new Error("no right to"));
  const { surplus } = await copied(memorySource([() => [page(numbered(TABLE, 0, 3))]]), target);
  await expect(surplus).rejects.toThrow("no right to");
  expect(target.batches).toEqual([]);
});
