/** Plugins from files, in a folder with no node_modules, in both phases. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const PAID = `
import type { Plugin } from "nimo-shake";
import { status } from "./lib/status.js";

/** Only items of a status, in a collection of another name. */
const plugin: Plugin<{ is: string }> = {
  name: "only",
  setup(ctx, options) {
    ctx.hook("table:before", (e) => void (e.table.targetName = "copied"));
    ctx.hook("fetch:after", (e) => e.keep((item) => status(item) === options.is));
  },
};
export default plugin;
`;

const LIBRARY = `export const status = (item) => item.status?.S;\n`;

const COMPUTED = `
export default {
  name: "computed",
  setup(ctx) {
    ctx.hook("convert:after", (e) => {
      for (const { document } of e.records) if (document) document.total = document.a + document.b;
    });
  },
};
`;

function writePlugins({ folder }: Scenario): void {
  mkdirSync(join(folder, "lib"));
  writeFileSync(join(folder, "only.ts"), PAID);
  writeFileSync(join(folder, "lib/status.js"), LIBRARY);
  writeFileSync(join(folder, "computed.mjs"), COMPUTED);
}

const item = (pk: string, status: string, a: number) => ({
  pk: { S: pk },
  status: { S: status },
  a: { N: String(a) },
  b: { N: "100" },
});

test("filtered, renamed, a computed field, in both phases", async () => {
  await using s = await scenario();
  writePlugins(s);
  const table = await s.table("t", {
    items: [item("1", "paid", 1), item("2", "open", 2), item("3", "paid", 3)],
  });
  const conf = s.conf(
    s.settings({
      sync_mode: "all",
      "incr_sync.http_port": -1,
      plugins: "./only.ts",
      "plugin.only.is": "paid",
    }),
  );
  const run = s.start([`-conf=${conf}`, "--plugin", join(s.folder, "computed.mjs")]);
  const copied = s.db.collection("copied");
  const found = async () =>
    (await copied
      .find({}, { projection: { _id: 0, pk: 1, total: 1 } })
      .sort({ pk: 1 })
      .toArray()) as unknown[];
  const expectSoon = (expected: unknown[]): Promise<void> =>
    eventually(async () => expect(await found()).toEqual(expected));
  const put = (Item: object) => dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item });
  try {
    await expectSoon([
      { pk: "1", total: 101 },
      { pk: "3", total: 103 },
    ]);
    await put(item("2", "paid", 20)); // enters
    await put(item("3", "open", 3)); // leaves
    await put(item("1", "paid", 11)); // stays
    await put(item("4", "open", 4)); // was never in it
    await expectSoon([
      { pk: "1", total: 111 },
      { pk: "2", total: 120 },
    ]);
  } finally {
    run.kill("SIGTERM");
    await run.done;
  }
});

test("filter and rename by the configuration alone, the sort key renamed, in both phases", async () => {
  await using s = await scenario();
  const order = (pk: string, sk: number, status: string, total: number) => ({
    pk: { S: pk },
    sk: { N: String(sk) },
    status: { S: status },
    total: { N: String(total) },
  });
  const table = await s.table("t", {
    key: ["pk", "sk:N"],
    items: [
      order("a", 1, "paid", 5),
      order("a", 2, "paid", 50),
      order("b", 1, "open", 50),
      order("b", 2, "paid", 70),
    ],
  });
  const settings = {
    sync_mode: "all",
    "incr_sync.http_port": -1,
    plugins: "filter;rename",
    "plugin.filter.tables": "t.*",
    "plugin.filter.where": 'status = "paid" AND total >= 10',
    "plugin.rename.tables": "t.*:orders",
    "plugin.rename.attributes": "sk:created;total:amount",
  };
  const conf = s.conf(s.settings(settings));
  const found = async (): Promise<unknown[]> =>
    (await s.db.collection("orders").find().sort({ pk: 1, created: 1 }).toArray()).map(
      ({ pk, created, amount, sk, total }) => [pk, created, amount, sk, total] as unknown,
    );
  const expectSoon = (...expected: [pk: string, created: number, amount: number][]): Promise<void> =>
    eventually(async () =>
      expect(await found()).toEqual(expected.map((each) => [...each, undefined, undefined])),
    );
  const put = (Item: object) => dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item });
  const run = s.start([`-conf=${conf}`]);
  try {
    await expectSoon(["a", 2, 50], ["b", 2, 70]);
    await eventually(async () =>
      expect(await s.indexes("orders")).toEqual({
        "pk_1_created_1 unique": { pk: 1, created: 1 },
        pk_hashed: { pk: "hashed" },
      }),
    );
    await put(order("b", 1, "paid", 50)); // enters
    await put(order("a", 2, "paid", 55)); // stays
    await put(order("b", 2, "paid", 7)); // leaves
    await expectSoon(["a", 2, 55], ["b", 1, 50]);
    const Key = { pk: { S: "a" }, sk: { N: "2" } };
    await dynamo(s.dynamoEndpoint, "DeleteItem", { TableName: table, Key });
    await put(order("a", 3, "paid", 33));
    await expectSoon(["a", 3, 33], ["b", 1, 50]);
  } finally {
    run.kill("SIGTERM");
    expect((await run.done).code).toBe(143);
  }
  // Half a table under one filter and half under another is no copy of anything.
  const other = s.conf(s.settings({ ...settings, "plugin.filter.where": "total >= 20" }));
  const refused = { exit: 2, code: "CHECKPOINT_MISMATCH", says: ["plugin.filter.*: was "] } as const;
  expectRefusal(await s.run([`-conf=${other}`]), { ...refused, says: [...refused.says] });
});

test("a package, for import only, with a dependency of its own", async () => {
  await using s = await scenario();
  writePackage(
    s.folder,
    "tagger",
    `import { tag } from "tag"; export default { name: "tagger", setup(ctx) {
    ctx.hook("convert:after", (e) => { for (const { document } of e.records) document.tag = tag; });
  } };`,
  );
  writePackage(join(s.folder, "node_modules/tagger"), "tag", `export const tag = "from the package";`);
  const table = await s.table("t", { items: [item("1", "paid", 1)] });
  expect(await s.run([`-conf=${s.conf(s.settings({ plugins: "tagger" }))}`])).toMatchObject({ code: 0 });
  expect(await s.documents(table)).toMatchObject([{ pk: "1", tag: "from the package" }]);
});

/** A package in a folder's node_modules that exports nothing but what `import` finds. */
function writePackage(folder: string, name: string, code: string): void {
  const home = join(folder, "node_modules", name);
  mkdirSync(home, { recursive: true });
  const exports = { ".": { import: "./main.mjs" } };
  writeFileSync(join(home, "package.json"), JSON.stringify({ name, version: "1.0.0", exports }));
  writeFileSync(join(home, "main.mjs"), code);
}

describe("a plugin that is none is refused, and nothing is written", () => {
  test.each<[string, string, (string | RegExp)[]]>([
    ["a syntax error", "export default {{", ["plugin ./bad.ts can't be loaded"]],
    ["a missing import", `import "./nowhere.js"; export default {};`, ["./bad.ts", "nowhere"]],
    ["what throws while it is loaded", `throw new Error("oh no");`, ["./bad.ts can't be loaded", "oh no"]],
    ["no default export", "export const a = 1;", ["./bad.ts has no plugin as its default export"]],
    ["no name", "export default { setup() {} };", ["./bad.ts has no name"]],
    ["no setup", `export default { name: "bad" };`, ["./bad.ts has no function setup"]],
    [
      "a setup that throws",
      `export default { name: "bad", setup() { throw new Error("oh no"); } };`,
      ["./bad.ts threw", "oh no"],
    ],
    [
      "a role taken twice",
      `export default { name: "bad", setup(ctx) { const c = { convert() {}, fieldPath() {} }; ctx.provide("convert", c); ctx.provide("convert", c); } };`,
      ["two plugins provide the convert: bad and bad"],
    ],
    [
      "bad options",
      `export default { name: "bad", options: { "~run": () => ({ issues: [{ message: "must be a number" }] }) }, setup() {} };`,
      ["must be a number", "plugin bad"],
    ],
  ])("%s", async (_, code, says) => {
    await using s = await scenario();
    await s.table("t", { items: [item("1", "paid", 1)] });
    writeFileSync(join(s.folder, "bad.ts"), code);
    const run = await s.run([`-conf=${s.conf(s.settings({ plugins: "./bad.ts" }))}`]);
    expectRefusal(run, { exit: 2, code: "PLUGIN_INVALID", says });
    expect(await s.collections()).toEqual([]);
  });

  test("a file that isn't there, a package that isn't there, options of no plugin", async () => {
    await using s = await scenario();
    await s.table("t");
    for (const [settings, says] of [
      [{ plugins: "./nowhere.ts" }, "plugin ./nowhere.ts can't be loaded"],
      [{ plugins: "no-such-package" }, "plugin no-such-package can't be loaded"],
      [
        { plugins: "filter", "plugin.filtre.where": 1 },
        "options for a plugin that isn't used: plugin.filtre.*",
      ],
    ] as const) {
      const run = await s.run([`-conf=${s.conf(s.settings(settings))}`]);
      expectRefusal(run, { exit: 2, code: "PLUGIN_INVALID", says: [says] });
    }
    expect(await s.collections()).toEqual([]);
  });
});

test("an index of another shape, from a plugin, is refused with the shape", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: [item("1", "paid", 1)] });
  const plugin: AnyPlugin = {
    name: "indexer",
    setup(ctx) {
      ctx.hook("index:before", ({ indexes }) => void indexes.push({ key: { n: 1 } } as never));
    },
  };
  const run = await s.attempt({}, { plugins: [plugin] });
  const says = [
    `indexes[2] has no list of fields: table ${table}`,
    'fields: [{ path: "a.b", kind: "ascending" }]',
  ];
  expectRefusal(run, { exit: 1, code: "HOOK_FAILED", says });
});
