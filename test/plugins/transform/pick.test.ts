/** pick and exclude. */
import { describe, expect, test } from "bun:test";
import type { Item, SourceRecord, Table } from "../../../core/types.ts";
import exclude from "../../../plugins/transform/exclude.ts";
import pick from "../../../plugins/transform/pick.ts";
import rename from "../../../plugins/transform/rename.ts";
import { keyAttribute, testTable } from "../../fakes/context.ts";
import { type HookPlugin, hookPlugins, refusal } from "./hook-plugin.ts";

const picking = (options: Record<string, string>): Promise<HookPlugin> => hookPlugins([[pick, options]]);
const excluding = (options: Record<string, string>): Promise<HookPlugin> => hookPlugins([[exclude, options]]);

/** An item of attributes that are texts. */
const texts = (...names: string[]): Item => {
  const entries = ["pk", ...names].map((name) => [name, { S: "x" }] as const);
  return Object.fromEntries(entries) as Item;
};

describe("pick", () => {
  test.each<[string, string[]]>([
    ["a", ["pk", "a"]],
    ["ab*;c;gone", ["pk", "ab", "abc", "c"]],
    ["*", ["pk", "a", "ab", "abc", "c", "d;e", "*", "a.b", "__proto__"]],
    ["d\\;e; \\*", ["pk", "d;e", "*"]],
    ["a.b", ["pk", "a.b"]],
    ["__proto__;toString", ["pk", "__proto__"]],
    ["", ["pk", "a", "ab", "abc", "c", "d;e", "*", "a.b", "__proto__"]],
    [" ; ", ["pk", "a", "ab", "abc", "c", "d;e", "*", "a.b", "__proto__"]],
  ])("%p", async (attributes, expected) => {
    const { item } = await picking({ attributes });
    const all = texts("a", "ab", "abc", "c", "d;e", "*", "a.b", "__proto__");
    expect(Object.keys((await item(testTable("pk"), all))!)).toEqual(expected);
  });

  test("of one table in place of the general list; an empty list keeps all", async () => {
    const { item } = await picking({ attributes: "a", "attributes.u": "b", "attributes.v": "" });
    const of = async (name: string) =>
      Object.keys((await item(testTable("pk", undefined, { name }), texts("a", "b")))!);
    expect([await of("t"), await of("u"), await of("v")]).toEqual([
      ["pk", "a"],
      ["pk", "b"],
      ["pk", "a", "b"],
    ]);
  });

  test("the primary key is kept under the name it has by then", async () => {
    const { before, item } = await hookPlugins([
      [rename, { attributes: "pk:id;sk:b" }],
      [pick, { attributes: "a" }],
    ]);
    const table = testTable("pk", "sk");
    await before(table);
    expect(Object.keys((await item(table, texts("sk", "a", "c")))!)).toEqual(["id", "b", "a"]);
  });
});

describe.each([
  ["pick", pick, "a"],
  ["exclude", exclude, "b"],
] as const)("%s", (name, plugin, attributes) => {
  test("both images of a change, and the old one of a removal", async () => {
    const { fetched } = await hookPlugins([[plugin, { attributes }]]);
    const keys = { pk: { S: "x" } };
    const records: SourceRecord[] = [
      { op: "put", event: "INSERT", keys, item: texts("a", "b") },
      { op: "put", event: "MODIFY", keys, item: texts("b", "a"), oldItem: texts("b") },
      { op: "delete", event: "REMOVE", keys, oldItem: texts("a", "b") },
      { op: "delete", event: "REMOVE", keys },
    ];
    expect(await fetched(testTable("pk"), records, "incr")).toEqual([
      { op: "put", event: "INSERT", keys, item: texts("a") },
      { op: "put", event: "MODIFY", keys, item: texts("a"), oldItem: texts() },
      { op: "delete", event: "REMOVE", keys, oldItem: texts("a") },
      { op: "delete", event: "REMOVE", keys },
    ]);
  });

  test("an index of what is left out isn't made", async () => {
    const { before, log } = await hookPlugins([[plugin, { attributes }]]);
    const table: Table = testTable("pk", "sk", {
      secondary: [
        { name: "kept", kind: "GSI", partition: keyAttribute("a"), sort: keyAttribute("pk") },
        { name: "dropped", kind: "LSI", partition: keyAttribute("pk"), sort: keyAttribute("b") },
        { name: "dropped too", kind: "GSI", partition: keyAttribute("b") },
      ],
    });
    await before(table);
    expect(table.secondary.map((index) => index.name)).toEqual(["kept"]);
    expect(log).toEqual([
      `info: plugin ${name}: no index dropped, b is left out: table t`,
      `info: plugin ${name}: no index dropped too, b is left out: table t`,
    ]);
  });

  test("no options, no hooks; unknown ones are refused; a stranger's are a warning", async () => {
    const { ctx } = await hookPlugins([[plugin, {}]]);
    expect((["setup", "table:before", "fetch:after"] as const).some(ctx.listens)).toBe(false);
    expect(await refusal(hookPlugins([[plugin, { attribute: "a" }]]))).toBe(
      `plugin.${name}.attribute: no such option (the options are attributes, attributes.<table>)`,
    );
    const { setup, log } = await hookPlugins([[plugin, { "attributes.u": "a" }]]);
    await setup([testTable("pk")]);
    expect(log).toEqual([`warn: plugin.${name}.attributes.u: no table of this name is migrated`]);
  });
});

describe("exclude", () => {
  const map = (M: Item): Item[string] => ({ M });
  const list = (...L: Item[string][]): Item[string] => ({ L });
  const one: Item[string] = { N: "1" };
  test.each<[string, string, Item, Item]>([
    ["a name", "a", { a: one, b: one }, { b: one }],
    ["a pattern", "a*", { a: one, ab: one, ba: one }, { ba: one }],
    ["everything but the key", "*", { a: one, "a.b": one }, {}],
    ["a path", "a.b", { a: map({ b: one, c: one }) }, { a: map({ c: one }) }],
    ["a path's last member", "a.b", { a: map({ b: one }) }, { a: map({}) }],
    ["two paths", "a.b;a.c", { a: map({ b: one, c: one, d: one }) }, { a: map({ d: one }) }],
    ["a path and all of it", "a.b;a", { a: map({ b: one, c: one }) }, {}],
    ["a name with a dot comes first", "a.b", { "a.b": one, a: map({ b: one }) }, { a: map({ b: one }) }],
    [
      "names with dots on the way",
      "a.b.c.d",
      { "a.b": map({ "c.d": one, e: one }) },
      { "a.b": map({ e: one }) },
    ],
    ["a path into something else", "a.b", { a: one, b: one }, { a: one, b: one }],
    ["a path to nothing", "a.b", { a: map({ c: one }) }, { a: map({ c: one }) }],
    [
      "lists",
      "a.b",
      { a: list(map({ b: one, c: one }), one, list(map({ b: one }))) },
      { a: list(map({ c: one }), one, list(map({}))) },
    ],
    [
      "deeper",
      "a.b.c",
      { a: list(map({ b: list(map({ c: one })) })) },
      { a: list(map({ b: list(map({})) })) },
    ],
    ["a pattern in a map", "a.x*", { a: map({ x1: one, y: one }), "a.x2": one }, { a: map({ y: one }) }],
    ["a pattern on the way", "*.b", { a: map({ b: one, c: one }), d: one }, { a: map({ c: one }), d: one }],
    [
      "odd names",
      "__proto__;m.__proto__",
      JSON.parse('{"__proto__": {"N": "1"}, "m": {"M": {"__proto__": {"N": "1"}, "c": {"N": "1"}}}}') as Item,
      { m: map({ c: one }) },
    ],
    ["what every object has", "toString;m.constructor", { m: map({}) }, { m: map({}) }],
  ])("%s", async (_, attributes, item, expected) => {
    const plugin = await excluding({ attributes });
    const pk = { S: "k" };
    const found = await plugin.item(testTable("pk"), { pk, ...item });
    expect(found).toEqual({ pk, ...expected });
    expect(Object.keys(found!)).toEqual(["pk", ...Object.keys(expected)]);
  });

  test("a path of many dots is no work", async () => {
    const { item } = await excluding({ attributes: Array.from({ length: 60 }, () => "a").join(".") });
    expect(await item(testTable("pk"), texts("a"))).toEqual(texts("a"));
  });

  test("a primary key's attribute that is named is refused; a pattern goes past it", async () => {
    const general = await excluding({ attributes: "sk", "attributes.u": "a", "attributes.p": "s*" });
    expect(await refusal(general.before(testTable("pk", "sk")))).toBe(
      "plugin exclude: sk is an attribute of the primary key, it can't be left out: table t " +
        "(take sk out of plugin.exclude.attributes, or set plugin.exclude.attributes.t)",
    );
    await general.before(testTable("pk", "sk", { name: "u" }));
    const table = testTable("pk", "sk", { name: "p" });
    await general.before(table);
    expect(await general.item(table, texts("sk", "sx"))).toEqual(texts("sk"));
  });

  test("behind rename the key has its new name", async () => {
    const { before } = await hookPlugins([
      [rename, { attributes: "pk:id" }],
      [exclude, { attributes: "id" }],
    ]);
    expect(await refusal(before(testTable("pk")))).toContain("id is an attribute of the primary key");
  });
});
