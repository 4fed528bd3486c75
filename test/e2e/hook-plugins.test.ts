/** The built-in hook plugins on real servers: the target follows the source, under other names and hashed keys. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "mongodb";
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import { hookPlugin } from "../../plugins/index.ts";
import { type Attributes, dynamo, scenario, type Scenario, type Settings } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

setDefaultTimeout(180_000);

const DEADLINE = 30_000;
const ENDLESS: Settings = { sync_mode: "all", "incr_sync.http_port": -1 };

type PluginOptions = Record<string, Record<string, string>>;

const plugins = (options: PluginOptions): Promise<AnyPlugin[]> =>
  Promise.all(Object.keys(options).map(async (name) => (await hookPlugin(name))!));

/** A run that follows a table, and ends with the scope. */
async function follow(
  s: Scenario,
  options: PluginOptions,
  settings: Settings = {},
): Promise<AsyncDisposable> {
  const stopping = new AbortController();
  const run = s
    .migrate(
      { ...ENDLESS, ...settings },
      { signal: stopping.signal, plugins: await plugins(options), pluginOptions: options },
    )
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  return {
    async [Symbol.asyncDispose]() {
      const stopped = new Error("stopped by the test");
      stopping.abort(stopped);
      // A run that failed by itself has another reason.
      expect(String(await run)).toContain("stopped by the test");
    },
  };
}

/** Waits until a collection holds exactly these documents, whatever their `_id` and their fields' order. */
async function expectSoon(s: Scenario, collection: string, expected: Document[]): Promise<void> {
  const find = () =>
    s.db
      .collection(collection)
      .find({}, { projection: { _id: 0 } })
      .toArray();
  const text = (documents: Document[]): string[] =>
    documents.map((each) => JSON.stringify(Object.entries(each).toSorted())).toSorted();
  const deadline = Date.now() + DEADLINE;
  while (!Bun.deepEquals(text(await find()), text(expected)) && Date.now() < deadline) await sleep(50);
  expect(text(await find())).toEqual(text(expected));
}

/** Writes at a table. */
function writer(s: Scenario, TableName: string) {
  return {
    put: (Item: Attributes) => dynamo(s.dynamoEndpoint, "PutItem", { TableName, Item }),
    remove: (Key: Attributes) => dynamo(s.dynamoEndpoint, "DeleteItem", { TableName, Key }),
    set: (Key: Attributes, name: string, value: object) =>
      dynamo(s.dynamoEndpoint, "UpdateItem", {
        TableName,
        Key,
        UpdateExpression: "SET #a = :v",
        ExpressionAttributeNames: { "#a": name },
        ExpressionAttributeValues: { ":v": value },
      }),
  };
}

const key = (pk: string, sk: number): Attributes => ({ pk: { S: pk }, sk: { N: String(sk) } });
const item = (pk: string, sk: number, status: string): Attributes => ({
  ...key(pk, sk),
  status: { S: status },
});

test.each<[string, (pk: string, when: number, state: string) => Document]>([
  ["change", (pk, when, state) => ({ pk, when, state })],
  ["raw", (pk, when, state) => ({ pk: { S: pk }, when: { N: String(when) }, state: { S: state } })],
])("filtered and renamed, its sort key too, convert.type = %s", async (type, doc) => {
  await using s = await scenario();
  const table = await s.table("orders", {
    key: ["pk", "sk:N"],
    gsi: { bySk: ["status", "sk:N"] },
    items: [item("a", 1, "paid"), item("a", 2, "open"), item("b", 1, "paid"), item("c", 1, "paid")],
  });
  await s.table("log");
  const options: PluginOptions = {
    filter: { tables: "orders*", where: "status IN ('paid', 'sent')" },
    rename: { tables: "orders.*:copied", attributes: "sk:when;status:state" },
  };
  await using _run = await follow(s, options, { "convert.type": type });
  await expectSoon(s, "copied", [doc("a", 1, "paid"), doc("b", 1, "paid"), doc("c", 1, "paid")]);

  const { put, set, remove } = writer(s, table);
  await put(item("a", 3, "paid")); // new, inside
  await put(item("a", 4, "open")); // new, outside
  await set(key("a", 1), "status", { S: "sent" }); // stays
  await set(key("a", 2), "status", { S: "paid" }); // enters
  await set(key("b", 1), "status", { S: "open" }); // leaves
  await remove(key("c", 1)); // goes
  await remove(key("a", 4)); // was never there
  await expectSoon(s, "copied", [doc("a", 1, "sent"), doc("a", 2, "paid"), doc("a", 3, "paid")]);

  const [S, N] = type === "raw" ? [".S", ".N"] : ["", ""];
  expect(await s.indexes("copied")).toEqual({
    [`pk${S}_1_when${N}_1 unique`]: { [`pk${S}`]: 1, [`when${N}`]: 1 },
    [`pk${S}_hashed`]: { [`pk${S}`]: "hashed" },
    [`state${S}_hashed`]: { [`state${S}`]: "hashed" },
    [`state${S}_1_when${N}_1`]: { [`state${S}`]: 1, [`when${N}`]: 1 },
  });
  expect(await s.collections()).toEqual(["copied"]);
});

test("a hashed partition key, picked and excluded attributes: updates and deletes hit the right documents", async () => {
  await using s = await scenario();
  const full = (pk: string, sk: number, n: number): Attributes => ({
    ...key(pk, sk),
    n: { N: String(n) },
    who: { M: { name: { S: "x" }, city: { S: "y" } } },
    secret: { S: "z" },
  });
  const table = await s.table("t", {
    key: ["pk", "sk:N"],
    gsi: { bySecret: ["secret"] },
    items: [full("a", 1, 1), full("a", 2, 2), full("b", 1, 3)],
  });
  const options: PluginOptions = {
    pick: { attributes: "n;who" },
    exclude: { attributes: "who.name" },
    mask: { attributes: "pk;who.city", salt: "salt" },
  };
  const hash = (text: string): string => createHmac("sha256", "salt").update(text).digest("hex");
  const doc = (pk: string, sk: number, n: number): Document => ({
    pk: hash(pk),
    sk,
    n,
    who: { city: hash("y") },
  });
  await using _run = await follow(s, options);
  await expectSoon(s, table, [doc("a", 1, 1), doc("a", 2, 2), doc("b", 1, 3)]);

  const { put, set, remove } = writer(s, table);
  await set(key("a", 1), "n", { N: "10" });
  await remove(key("b", 1));
  await put(full("c", 1, 4));
  await put(full("a", 2, 20));
  await expectSoon(s, table, [doc("a", 1, 10), doc("a", 2, 20), doc("c", 1, 4)]);
  expect(await s.indexes(table)).toEqual({
    "pk_1_sk_1 unique": { pk: 1, sk: 1 },
    pk_hashed: { pk: "hashed" },
  });
});

test.each<[PluginOptions, Settings, string[]]>([
  [{ filter: { where: "a = " } }, {}, ["plugin.filter.where", "at position 4"]],
  [{ mask: { attributes: "pk", salt: "s" } }, { on_gap: "resync", ...ENDLESS }, ["on_gap = resync"]],
  [{ exclude: { attributes: "pk" } }, {}, ["pk is an attribute of the primary key"]],
  [{ rename: { attributes: "a:pk" } }, {}, ["a would be called pk"]],
])("%j is refused before anything is touched", async (options, settings, says) => {
  await using s = await scenario();
  await s.table("t", { items: [{ pk: { S: "k" } }] });
  const run = await s.attempt(settings, { plugins: await plugins(options), pluginOptions: options });
  expectRefusal(run, { exit: 2, code: "PLUGIN_INVALID", says });
  expect(await s.collections()).toEqual([]);
});

test("two attributes under one name end the run, nothing is written over", async () => {
  await using s = await scenario();
  await s.table("t", { items: [{ pk: { S: "k" }, a: { S: "1" }, b: { S: "2" } }] });
  const options: PluginOptions = { rename: { attributes: "a:b" } };
  const run = await s.attempt({}, { plugins: await plugins(options), pluginOptions: options });
  expectRefusal(run, { exit: 1, code: "DATA_UNFIT", says: ["two attributes would be called b", '"S":"k"'] });
});

test("a key that is renamed to _id is the document's", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: [{ pk: { S: "a" } }, { pk: { S: "b" } }] });
  await using _run = await follow(s, { rename: { attributes: "pk:_id" } });
  await expectSoon(s, table, [{}, {}]);
  const { put, remove, set } = writer(s, table);
  await set({ pk: { S: "a" } }, "n", { N: "1" });
  await put({ pk: { S: "c" }, n: { N: "2" } });
  await remove({ pk: { S: "b" } });
  await expectSoon(s, table, [{ n: 1 }, { n: 2 }]);
  const documents = await s.db.collection(table).find().sort({ _id: 1 }).toArray();
  expect(documents as Document[]).toEqual([
    { _id: "a", n: 1 },
    { _id: "c", n: 2 },
  ]);
});
