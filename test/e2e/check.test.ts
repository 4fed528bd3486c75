/** `check` on real servers: what it says, and that both sides, the checkpoint and the folder stay as they are. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { planText } from "../../bin/display/plan.ts";
import { runCheck } from "../../core/check/check.ts";
import { exitOf, type Plan } from "../../core/check/plan.ts";
import { loadConfig } from "../../core/config/load.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { startMongod } from "../servers/mongod.ts";
import type { Call, Misbehaviour } from "../stand-in/dynamodb.ts";
import { startStreams } from "../stand-in/streams.ts";
import { dynamo, type Outcome, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** All that a check could change. */
async function everything(s: Scenario, tables: string[]): Promise<unknown> {
  const source = tables.map(async (TableName) => {
    const { Table } = await dynamo(s.dynamoEndpoint, "DescribeTable", { TableName });
    const { Items } = await dynamo(s.dynamoEndpoint, "Scan", { TableName });
    return [Table, Items];
  });
  const { databases } = await s.client.db("admin").admin().listDatabases();
  const ours = databases.map(({ name }) => name).filter((name) => name.startsWith(s.id));
  const target = ours.map(async (name) => {
    const found = await s.client.db(name).listCollections({}, { nameOnly: false }).toArray();
    const contents = found.map(async (each) => [
      each.name,
      String(each.info?.uuid),
      await s.client.db(name).collection(each.name).find().toArray(),
      await s.client.db(name).collection(each.name).listIndexes().toArray(),
    ]);
    return [name, await Promise.all(contents)];
  });
  const files = readdirSync(s.folder, { recursive: true })
    .map(String)
    .filter((name) => !/^\.bun|\.conf$|^nimo-shake$/.test(name) && statSync(join(s.folder, name)).isFile())
    .map((name) => [name, readFileSync(join(s.folder, name), "latin1")]);
  return [await Promise.all(source), await Promise.all(target), files.toSorted()];
}

/** As a user gets it. */
function typed(s: Scenario, settings: Settings, args: string[]): Promise<Outcome> {
  return s.run(["check", "-c", s.conf(s.settings(settings)), ...args]);
}

/** The same in this process. */
function check(s: Scenario, changes: Settings): Promise<Plan> {
  const settings = Object.entries(s.settings(changes));
  const { config } = loadConfig({
    set: Object.fromEntries(settings.map(([key, value]) => [key, `${value}`])),
  });
  return runCheck({ builtins: builtinPlugin, config });
}

test("before the first start, beside a run, and after it: nothing is changed", async () => {
  await using s = await scenario();
  const items = someItems(40).map((item, n) => ({
    ...item,
    wide: { N: n === 7 ? "1".repeat(38) : "1" },
    ...(n === 0 && { pk: { S: "joe@example.com" } }),
  }));
  const orders = await s.table("orders", { gsi: { byText: ["text", "n:N"] }, items });
  const before = await everything(s, [orders]);

  const run = await typed(s, { sync_mode: "all", "log.file": "run.log" }, ["--json", "--profile", "100%"]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  // Its @ is no end of an address's credentials.
  expect(run.stdout).toContain('{"pk":{"S":"joe@example.com"}}');
  const fresh = planText(JSON.parse(run.stdout) as Plan);
  for (const part of [
    "MongoDB",
    "begins anew: copies 1 table, then follows their streams",
    "to be enabled",
    `${orders}: pk_1 (unique), pk_hashed, text_hashed, text_1_n_1`,
    "untested dynamodb:UpdateTable",
    "source: granted dynamodb:DescribeTable",
    `in table ${orders}: 40 items read`,
    "numbers with more than 34 digits, 1 in 40 items: convert.number_overflow = string",
    "no problem was found",
  ])
    expect(fresh).toContain(part);
  expect(run.stdout).not.toContain("xxxxxxx");
  expect(await everything(s, [orders])).toEqual(before);

  const stop = new AbortController();
  const copied = Promise.withResolvers<unknown>();
  const options = { signal: stop.signal, onFullDone: copied.resolve };
  const running = s.migrate({ sync_mode: "all" }, options).catch(copied.reject);
  await copied.promise;
  const beside = await check(s, { sync_mode: "all" });
  stop.abort();
  await running;
  expect(beside.problems.map(({ code }) => code)).toEqual(["ALREADY_RUNNING"]);
  expect(beside.checkpoint.lease).toMatchObject({ pid: process.pid, state: "running" });
  expect(beside.tables[0]!.stream.state).toBe("on");
  expect(exitOf(beside)).toBe(2);

  const done = await everything(s, [orders]);
  const after = await check(s, { sync_mode: "all", "target.db.exist": "drop" });
  expect(after.start).toMatchObject({ does: "follow", refused: false });
  expect(after.tables).toMatchObject([{ action: "follow", existing: "kept" }]);
  expect(after.problems).toEqual([]);
  const streams = ["DescribeStream", "GetShardIterator", "GetRecords"].map((action) => `dynamodb:${action}`);
  const granted = after.rights.filter(({ state }) => state === "granted").map(({ action }) => action);
  expect(granted).toEqual(expect.arrayContaining(streams));

  const changed = await check(s, { sync_mode: "all", "convert.type": "raw" });
  expect(exitOf(changed)).toBe(2);
  expect(planText(changed)).toContain("convert.type: was change, is raw");
  const another = planText(await check(s, { "checkpoint.db": "other", "target.db.exist": "drop" }));
  expect(another).toContain("DROPS what is there");
  expect(another).toContain(`target.db.exist = drop: a start deletes ${orders}`);
  expect(await everything(s, [orders])).toEqual(done);
});

test("a region that nobody has set is one problem, and no fault of ours", async () => {
  await using s = await scenario();
  const keys = { "source.access_key_id": "a", "source.secret_access_key": "b" };
  const { stdout } = await typed(s, { ...keys, "source.endpoint_url": "" }, ["--json"]);
  const { problems, source } = JSON.parse(stdout) as Plan;
  expect(problems).toMatchObject([{ code: "CONFIG_INVALID", message: "no region is known: ListTables" }]);
  expect(source).toMatchObject({ place: "AWS", region: null });
});

test("rights that are missing are named one by one, with what for; the source is only read", async () => {
  await using s = await scenario();
  const denied = (call: Call): Misbehaviour | undefined => {
    const isB = JSON.stringify(call.body).includes('"b"') || JSON.stringify(call.body).includes("/b/");
    if (call.operation === "Scan" && isB) return { error: "AccessDeniedException" };
    return ["DescribeTimeToLive", "GetRecords"].includes(call.operation)
      ? { error: "AccessDeniedException" }
      : undefined;
  };
  await using streams = await startStreams({ tables: ["a", "b"], misbehave: denied });
  streams.put("a", { pk: { S: "1" } });
  const settings = {
    sync_mode: "all",
    "source.endpoint_url": streams.source.endpoint,
    "filter.collection.white": "a;b;nope-*",
  };
  const plan = await check(s, settings);
  const { rights, problems, tables } = plan;
  const missing = rights.filter(({ state }) => state === "missing");
  expect(missing.map(({ action, on, isNeeded }) => [action, on.toSorted(), isNeeded]).toSorted()).toEqual([
    ["dynamodb:DescribeTimeToLive", ["a", "b"], false],
    ["dynamodb:GetRecords", ["a", "b"], true],
    ["dynamodb:Scan", ["b"], true],
  ]);
  expect(problems.map(({ code }) => code)).toEqual(["TABLE_MISSING", "SOURCE_DENIED", "SOURCE_DENIED"]);
  expect(problems.map(({ message }) => message).join()).toContain(
    "needed to read the items: dynamodb:Scan on b",
  );
  expect(tables.map(({ expiry }) => expiry)).toEqual([null, null]);
  expect(exitOf(plan)).toBe(2);
  const asked = new Set(streams.source.calls.map(({ operation }) => operation));
  expect([...asked].filter((operation) => !/^(Describe|List|Get|BatchGet|Scan)/.test(operation))).toEqual([]);
});

test("a MongoDB with access control: what the user isn't granted is named, and nothing is tried", async () => {
  await using mongod = await startMongod({ own: true, replicaSet: false, cacheGb: 0.25, args: ["--auth"] });
  await using s = await scenario();
  const table = await s.table("orders", { items: someItems(1) });
  const address = (user: string): string =>
    mongod.uri.replace("mongodb://", `mongodb://${user}:secret@`).replace(/$/, "?authSource=admin");
  const root = new MongoClient(mongod.uri);
  try {
    const roles = ["root"];
    await root.db("admin").command({ createUser: "root", pwd: "secret", roles });
  } finally {
    await root.close();
  }
  await using client = new MongoClient(address("root"));
  const readWrite = (...dbs: string[]) => dbs.map((db) => ({ role: "readWrite", db }));
  const states = `${s.id}-checkpoint-state`;
  const users = {
    reader: [{ role: "read", db: s.id }, ...readWrite(states)],
    writer: readWrite(s.id, states),
  };
  for (const [user, roles] of Object.entries(users)) {
    await client.db("admin").command({ createUser: user, pwd: "secret", roles });
  }

  const reader = await check(s, { "target.address": address("reader") });
  expect(reader.problems.map(({ code, message }) => [code, message])).toEqual([
    [
      "TARGET_DENIED",
      `not granted, and needed to make the collections, and write the documents: insert on ${s.id}`,
    ],
    ["TARGET_DENIED", `not granted, and needed to write documents again: update on ${s.id}`],
    ["TARGET_DENIED", `not granted, and needed to build the indexes: createIndex on ${s.id}`],
  ]);
  const writer = await check(s, { "target.address": address("writer") });
  expect(writer.problems).toEqual([]);
  expect(writer.target.kind).toStartWith("standalone");
  expect(JSON.stringify(writer)).not.toContain("secret");
  const nobody = await check(s, { "target.address": mongod.uri });
  expect(exitOf(nobody)).toBe(2);
  expect(nobody.tables.map(({ name }) => name)).toEqual([table]);
  const { databases } = await client.db("admin").admin().listDatabases();
  expect(databases.map(({ name }) => name).toSorted()).toEqual(["admin", "config", "local"]);
});
