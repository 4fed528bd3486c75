/** The source's tables while they are migrated: deleted, made anew, with other indexes, with items that expire. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrateOptions } from "../../core/run/run.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { type DynamoDBServer, startDynamoDB } from "../servers/dynamodb.ts";
import { type Call, type Misbehaviour, startStandIn } from "../stand-in/dynamodb.ts";
import { startStreams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import {
  type Attributes,
  dynamo,
  type Key,
  type Outcome,
  scenario,
  type Scenario,
  type Settings,
  someItems,
} from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { expectModel, follow, positionsNoted } from "./streams.ts";
import { itemsByKey } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const ITEMS = 60;
/** Six pages, one after the other. */
const PAGES: Settings = { "qps.full.batch_num": 10, "full.read.concurrency": 1 };

let target: DynamoDBServer;
beforeAll(async () => {
  target = await startDynamoDB({ own: true });
});
afterAll(() => target.stop());

const toFiles = (s: Scenario): Settings => ({
  "target.type": "file",
  "target.address": join(s.folder, "dump"),
  "checkpoint.address": join(s.folder, "positions"),
});

const toDynamoDB = (s: Scenario): Settings => ({
  ...toFiles(s),
  "target.type": "aliyun_dynamo_proxy",
  "target.address": target.endpoint,
});

/** Does something before the tables are read, or in the midst of a table's pages. */
function meanwhile(at: "before" | "between pages", table: string, act: () => Promise<unknown>): Plugin {
  let pages = 0;
  return {
    name: "meanwhile",
    setup(ctx) {
      ctx.hook("table:before", async (event) => {
        if (at === "before" && event.table.name === table) await act();
      });
      ctx.hook("fetch:before", async ({ phase, table: { name } }) => {
        if (at === "between pages" && phase === "full" && name === table && ++pages === 3) await act();
      });
    },
  };
}

const remove = (s: Scenario, table: string): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "DeleteTable", { TableName: table });

const put = (s: Scenario, table: string, Item: Attributes): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item });

/** Deletes a table and makes another one of its name, with a few items. */
async function makeAnew(s: Scenario, TableName: string, partition: Key[0] = "pk"): Promise<void> {
  const [key, type = "S"] = partition.split(":") as [string, string?];
  await remove(s, TableName);
  await dynamo(s.dynamoEndpoint, "CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: key, AttributeType: type }],
    KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
  });
  for (let n = 0; n < 30; n++)
    await put(s, TableName, { [key]: type === "N" ? { N: `${n}` } : { S: `new${n}` } });
}

/** Adds a GSI. */
async function addIndex(s: Scenario, TableName: string, [partition]: Key): Promise<void> {
  const [name, type = "S"] = partition.split(":") as [string, string?];
  await dynamo(s.dynamoEndpoint, "UpdateTable", {
    TableName,
    AttributeDefinitions: [{ AttributeName: name, AttributeType: type }],
    GlobalSecondaryIndexUpdates: [
      {
        Create: {
          IndexName: `by-${name}`,
          KeySchema: [{ AttributeName: name, KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      },
    ],
  });
}

/** A run that ends by itself; one that goes on would go on beside the next tests. */
function ended(s: Scenario, settings: Settings, plugins: Plugin[] = []): Promise<Outcome> {
  return s.attempt(
    { "incr_sync.http_port": -1, ...settings },
    { plugins, signal: AbortSignal.timeout(60 * SECOND) },
  );
}

/** A run with `sync_mode = all`, in this process. */
function followed(s: Scenario, settings: Settings = {}, options: Partial<MigrateOptions> = {}) {
  const stop = new AbortController();
  const copied = Promise.withResolvers<void>();
  const done = s.attempt(
    { sync_mode: "all", "incr_sync.http_port": -1, ...settings },
    {
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(60 * SECOND)]),
      patience: 8 * SECOND,
      onFullDone: () => copied.resolve(),
      ...options,
    },
  );
  return {
    done,
    copied: Promise.race([copied.promise, done]),
    async stop(): Promise<Outcome> {
      stop.abort(new Error("enough"));
      return done;
    },
  };
}

test.concurrent.each<[string, (s: Scenario) => Settings]>([
  ["to MongoDB", () => ({ sync_mode: "full" })],
  ["to files", (s) => ({ sync_mode: "full", ...toFiles(s) })],
  ["to a DynamoDB", (s) => ({ sync_mode: "full", ...toDynamoDB(s) })],
  ["to a DynamoDB, and followed", (s) => ({ sync_mode: "all", ...toDynamoDB(s) })],
  ["to MongoDB, and followed", () => ({ sync_mode: "all" })],
])("a table that is made anew while it is read isn't mixed with the other one: %s", async (_, to) => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const settings = { ...PAGES, ...to(s) };
  const plugins = [meanwhile("between pages", table, () => makeAnew(s, table))];
  const run = await ended(s, settings, plugins);
  expectRefusal(run, { exit: 1, code: "SOURCE_GONE", says: [table, "made anew", "--fresh"] });
  // Nor is it gone on with.
  const next = await ended(s, settings);
  expectRefusal(next, { exit: 2, code: "CHECKPOINT_MISMATCH", says: [table, "made anew"] });
  const fresh = followed(s, { ...settings, "target.db.exist": "drop" }, { fresh: true });
  await fresh.copied;
  await fresh.stop();
  if (settings["target.type"] === "aliyun_dynamo_proxy")
    expect(await itemsByKey(target.endpoint, table)).toHaveProperty("size", 30);
  else if (settings["target.type"] === undefined) expect(await s.documents(table)).toHaveLength(30);
});

test.concurrent.each([
  ["mongodb", "id"],
  ["file", "id"],
  ["mongodb", "pk:N"],
  ["file", "pk:N"],
])("one with another key is told from a defect: %s, %s", async (type, key) => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const settings = { ...PAGES, ...(type === "file" && toFiles(s)) };
  const plugins = [meanwhile("before", table, () => makeAnew(s, table, key))];
  const run = await ended(s, settings, plugins);
  expectRefusal(run, { exit: 1, code: "SOURCE_GONE", says: [table, "made anew", "--fresh"] });
  const next = await ended(s, settings);
  expectRefusal(next, {
    exit: 2,
    code: "CHECKPOINT_MISMATCH",
    says: [table, "with another key", "is " + key.replace(":", " ")],
  });
});

test.concurrent("one that is made anew before its stream is opened is refused before anything is made", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const plugins = [meanwhile("before", table, () => makeAnew(s, table))];
  const run = await ended(s, { sync_mode: "all" }, plugins);
  expectRefusal(run, { exit: 1, code: "SOURCE_GONE", says: [table, "made anew"] });
  expect(await s.collections()).toEqual([]);
});

test.concurrent.each<["before" | "between pages", "full" | "all"]>([
  ["before", "full"],
  ["between pages", "full"],
  ["before", "all"],
  ["between pages", "all"],
])("a table that is deleted %s ends the run, which goes on without it: sync_mode = %s", async (at, mode) => {
  await using s = await scenario();
  const [gone, stays] = [
    await s.table("gone", { items: someItems(ITEMS) }),
    await s.table("stays", { items: someItems(ITEMS) }),
  ];
  const plugins = [meanwhile(at, gone, () => remove(s, gone))];
  const run = await ended(s, { ...PAGES, sync_mode: mode }, plugins);
  expectRefusal(run, { exit: 1, code: "SOURCE_GONE", says: [gone, "filter.collection.white"] });
  const without = followed(s, { ...PAGES, sync_mode: mode, "filter.collection.white": stays });
  await without.copied;
  const end = await without.stop();
  expect(end.stderr).not.toContain(gone);
  expect(await s.documents(stays)).toHaveLength(ITEMS);
});

test.concurrent("a table that is gone as soon as it is listed ends the run before anything is made; the next one starts without it", async () => {
  await using s = await scenario();
  const tables = { gone: { items: [] }, stays: { items: someItems(3) } };
  let listed = 0;
  await using source = await startStandIn({
    tables,
    misbehave({ operation, body }) {
      if (operation === "ListTables" && ++listed > 1) return { result: { TableNames: ["stays"] } };
      return operation === "DescribeTable" && body["TableName"] === "gone"
        ? { error: "ResourceNotFoundException" }
        : undefined;
    },
  });
  const settings = { "source.endpoint_url": source.endpoint, "filter.collection.white": "" };
  expectRefusal(await s.attempt(settings, {}), { exit: 1, code: "SOURCE_GONE", says: ["table gone"] });
  expect(await s.collections()).toEqual([]);
  expect(await s.attempt(settings, {})).toMatchObject({ code: 0, stderr: "" });
  expect(await s.collections()).toEqual(["stays"]);
});

test.concurrent("a GSI that is added while its table is read is made as well, under the names that plugins give", async () => {
  await using s = await scenario();
  const table = await s.table("t", { gsi: { old: ["text"] }, items: someItems(ITEMS) });
  const plugins: Plugin[] = [
    meanwhile("between pages", table, async () => {
      await addIndex(s, table, ["n:N"]);
      await addIndex(s, table, ["se.lf"]);
    }),
    {
      name: "call-it-number",
      keepsKeys: true,
      setup(ctx) {
        ctx.hook("table:before", (event) => {
          for (const { partition } of event.table.secondary)
            if (partition.name === "n") partition.targetName = "number";
        });
      },
    },
  ];
  const run = await s.attempt(PAGES, { plugins });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(Object.keys(await s.indexes(table)).sort()).toEqual([
    "number_hashed",
    "pk_1 unique",
    "pk_hashed",
    "text_hashed",
  ]);
});

test.concurrent("the same in a dump", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const plugins = [meanwhile("between pages", table, () => addIndex(s, table, ["n:N"]))];
  expect(await s.attempt({ ...PAGES, ...toFiles(s) }, { plugins })).toMatchObject({ code: 0, stderr: "" });
  const metadata = readFileSync(join(s.folder, "dump", s.id, `${table}.metadata.json`), "utf8");
  expect(metadata).toContain("n_hashed");
});

test.concurrent("the same at a DynamoDB", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const plugins = [meanwhile("between pages", table, () => addIndex(s, table, ["n:N"]))];
  const run = await s.attempt({ ...PAGES, ...toDynamoDB(s) }, { plugins });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const { Table } = (await dynamo(target.endpoint, "DescribeTable", { TableName: table })) as {
    Table: { GlobalSecondaryIndexes?: { IndexName: string }[] };
  };
  expect(Table.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)).toEqual(["by-n"]);
});

test.concurrent("a GSI that is added while its table is followed: changes go on, and the next start makes it, once", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const first = followed(s);
  await first.copied;
  await addIndex(s, table, ["n:N"]);
  await put(s, table, { pk: { S: "later" }, n: { N: "1" } });
  await eventually(async () => expect(await s.documents(table)).toHaveLength(ITEMS + 1));
  await first.stop();
  expect(Object.keys(await s.indexes(table)).sort()).toEqual(["pk_1 unique", "pk_hashed"]);

  const builds: string[] = [];
  const seen: Plugin = {
    name: "seen",
    setup: (ctx) => ctx.hook("index:before", (event) => void builds.push(event.table.name)),
  };
  for (let start = 0; start < 2; start++) {
    const next = followed(s, {}, { plugins: [seen] });
    await next.copied;
    await next.stop();
    expect(Object.keys(await s.indexes(table)).sort()).toEqual(["n_hashed", "pk_1 unique", "pk_hashed"]);
  }
  expect(builds).toEqual([table]);
});

test.concurrent("a table that is made anew while it is followed is a gap that says so", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const run = followed(s);
  await run.copied;
  await makeAnew(s, table);
  expectRefusal(await run.done, { exit: 1, code: "STREAM_GAP", says: [table, "made anew", "resync"] });
});

test.concurrent("with on_gap = resync it is copied again", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const run = followed(s, { on_gap: "resync" });
  await run.copied;
  await makeAnew(s, table);
  await eventually(async () => {
    const keys = (await s.documents(table)).map(({ pk }) => String(pk));
    expect(keys.every((key) => key.startsWith("new"))).toBe(true);
    expect(keys).toHaveLength(30);
  });
  await put(s, table, { pk: { S: "newest" } });
  await eventually(async () => expect(await s.documents(table)).toHaveLength(31));
  await run.stop();
});

test.concurrent.each<[string, Settings]>([
  ["while it was copied", PAGES],
  ["while it was followed", {}],
])("the same for one that was made anew between two runs: %s", async (when, settings) => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(ITEMS) });
  const stop = new AbortController();
  const halfway = meanwhile("between pages", table, async () => stop.abort(new Error("enough")));
  const plugins = when === "while it was copied" ? [halfway] : [];
  const first = followed(s, settings, { plugins, signal: stop.signal });
  await first.copied;
  stop.abort(new Error("enough"));
  await first.done;
  await makeAnew(s, table);

  expectRefusal(await ended(s, { ...settings, sync_mode: "all" }), {
    exit: 2,
    code: "CHECKPOINT_MISMATCH",
    says: [table, "made anew", "on_gap = resync"],
  });
  const second = followed(s, { ...settings, on_gap: "resync" });
  await second.copied;
  await put(s, table, { pk: { S: "newest" } });
  await eventually(async () => {
    const keys = (await s.documents(table)).map(({ pk }) => String(pk));
    expect(keys.every((key) => key.startsWith("new"))).toBe(true);
    expect(keys).toHaveLength(31);
  });
  await second.stop();
  // It is this table's run now, whatever on_gap says.
  const third = followed(s, settings);
  await third.copied;
  const { stderr } = await third.stop();
  expect(stderr).not.toContain("CHECKPOINT_MISMATCH");

  await makeAnew(s, table, "id");
  expectRefusal(await ended(s, { ...settings, sync_mode: "all", on_gap: "resync" }), {
    exit: 2,
    code: "CHECKPOINT_MISMATCH",
    says: [table, "made anew"],
  });
});

test.concurrent("a table is copied again after a gap, though another one is gone from the source by then", async () => {
  await using s = await scenario();
  let isGone = false;
  await using streams = await startStreams({
    tables: ["t", "u"],
    misbehave: ({ operation, body }) =>
      isGone && operation === "DescribeTable" && body["TableName"] === "u"
        ? { error: "ResourceNotFoundException" }
        : undefined,
  });
  streams.put("t", { pk: { S: "k1" }, n: { N: "1" } });
  const run = follow(s, streams, { on_gap: "resync", "filter.collection.white": "t;u" });
  try {
    await expectModel(s, streams, run);
    isGone = true;
    for (const shard of streams.open("t")) {
      streams.split("t", shard, 1);
      streams.vanish("t", shard);
    }
    streams.put("t", { pk: { S: "k2" }, n: { N: "2" } });
    await expectModel(s, streams, run);
  } finally {
    await run.stop();
  }
});

test.concurrent("items that the service deletes because they have expired go away, in the midst of the copy too", async () => {
  await using s = await scenario();
  /** The service says of such a deletion who made it. */
  function expiring(call: Call): Misbehaviour | undefined {
    if (call.operation !== "GetRecords") return undefined;
    const answer = streams.right(call) as { result?: { Records?: { eventName: string }[] } };
    for (const record of answer.result?.Records ?? []) {
      if (record.eventName !== "REMOVE") continue;
      Object.assign(record, { userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" } });
    }
    return answer as Misbehaviour;
  }
  await using streams = await startStreams({ tables: ["t"], misbehave: expiring });
  for (let n = 0; n < 20; n++) {
    // Expired long ago, and still there: a Scan gives it.
    streams.put("t", { pk: { S: `k${n}` }, n: { N: String(n) }, ttl: { N: "1000000000" } });
  }
  let copied = false;
  const sweeper: Plugin = {
    name: "sweeper",
    keepsKeys: true,
    setup: (ctx) =>
      ctx.hook("fetch:after", ({ phase }) => {
        if (phase !== "full" || copied) return;
        copied = true;
        for (let n = 0; n < 10; n++) streams.remove("t", `k${n}`);
      }),
  };
  const run = follow(s, streams, {}, { plugins: [sweeper] });
  try {
    await positionsNoted(streams);
    await eventually(async () => expect(await s.documents("t")).toHaveLength(10));
    for (let n = 10; n < 15; n++) streams.remove("t", `k${n}`);
    await expectModel(s, streams, run);
  } finally {
    await run.stop();
  }
  expect(await s.documents("t")).toHaveLength(5);
});
