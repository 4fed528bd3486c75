/** The rights that `init --iam` asks for are enough for everything, and none of them is too many. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { MigrationError } from "../../core/errors.ts";
import { loadConfig } from "../../core/config/load.ts";
import { type Policy, sourcePolicy, targetPolicy } from "../../bin/init/iam-policy.ts";
import { mongoRoles, type Privilege } from "../../bin/init/mongodb-role.ts";
import { runCheck } from "../../core/check/check.ts";
import { runClean } from "../../core/run/clean.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { type Mongod, startMongod } from "../servers/mongod.ts";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { startTarget } from "../stand-in/dynamodb-target.ts";
import type { Protocol } from "../stand-in/protocol.ts";
import { startStreams, type Streams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, type Settings } from "./helpers.ts";

setDefaultTimeout(180_000);

const PASSWORD = "test";
let mongod: Mongod;
let admin: MongoClient;
let s: Scenario;
beforeAll(async () => {
  s = await scenario();
  mongod = await startMongod({ own: true, replicaSet: false, args: ["--auth"] });
  const first = new MongoClient(mongod.uri);
  await first.db("admin").command({ createUser: "root", pwd: PASSWORD, roles: ["root"] });
  await first.close();
  admin = new MongoClient(address("root"));
});
afterAll(async () => {
  await admin.close();
  await mongod.stop();
  await s[Symbol.asyncDispose]();
});

function address(user: string): string {
  return mongod.uri.replace("://", `://${user}:${PASSWORD}@`).replace(/\?.*|$/, "?authSource=admin");
}

function settingsFor(id: string, streams: Streams, more: Settings): Settings {
  return {
    id,
    sync_mode: "all",
    "incr_sync.http_port": -1,
    "source.endpoint_url": streams.source.endpoint,
    "filter.collection.white": "t",
    "target.address": address("tool"),
    on_gap: "resync",
    ...more,
  };
}

function configOf(settings: Settings) {
  return loadConfig({ set: Object.entries(s.settings(settings)).map(([key, value]) => `${key}=${value}`) })
    .config;
}

const put = (streams: Streams, n: number): void =>
  streams.put("t", { pk: { S: `k${n}` }, n: { N: String(n) } });

/** Runs until a condition holds at the target, and stops. */
async function run(settings: Settings, holds: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const running = s.migrate(settings, { signal: stop.signal, patience: 2000 });
  const ended = running.catch((error: unknown) => {
    if (error !== stop.signal.reason) throw error;
  });
  try {
    await Promise.race([eventually(holds), ended]);
  } finally {
    stop.abort(new MigrationError("INTERRUPTED", "enough"));
  }
  await ended;
}

/** Everything that is done at the target and in the checkpoint, one after the other. */
async function everything(id: string, streams: Streams, more: Settings): Promise<void> {
  const settings = settingsFor(id, streams, more);
  const plan = await runCheck({ builtins: builtinPlugin, config: configOf(settings), patience: 2000 });
  expect(plan.problems).toEqual([]);
  const exist = more["target.db.exist"];
  const found = admin.db(id).collection("t");
  await found.insertOne({ old: true });
  for (let n = 0; n < 5; n++) put(streams, n);
  let changed = false;
  await run(settings, async () => {
    const count = await found.countDocuments({ pk: /^k/ });
    if (count === 5 && !changed) {
      put(streams, 5);
      put(streams, 1);
      streams.remove("t", "k0");
      changed = true;
    }
    expect(await found.distinct("pk")).toEqual(["k1", "k2", "k3", "k4", "k5"]);
  });
  await found.deleteOne({ pk: "k1" });
  await found.updateOne({ pk: "k2" }, { $set: { n: -1 } });
  await found.insertOne({ pk: "extra" });
  const verdict = await s.verify(settings, { repair: { deletes: true }, patience: 2000 });
  expect(verdict.isDifferent).toBe(false);
  // A gap: copied again, and what is gone since is deleted.
  streams.remove("t", "k4");
  for (const shard of streams.open("t")) {
    streams.split("t", shard, 1);
    streams.trim("t", shard, 0);
  }
  await run(settings, async () => expect(await found.distinct("pk")).toEqual(["k1", "k2", "k3", "k5"]));
  const config = configOf(settings);
  const cleaning = {
    builtins: builtinPlugin,
    config,
    folder: s.folder,
    renamed: exist === "drop",
    patience: 2000,
  };
  const { left, removed } = await runClean({ ...cleaning, decide: async () => true });
  // What was renamed stays: who may rename can't drop.
  expect(left - removed).toBe(exist === "rename" ? 1 : 0);
}

async function allow(id: string, privileges: Privilege[]): Promise<void> {
  const db = admin.db("admin");
  await db.command({ createRole: id, privileges, roles: [] });
  await db.command({ createUser: "tool", pwd: PASSWORD, roles: [id] });
}

async function forget(id: string): Promise<void> {
  const db = admin.db("admin");
  await db.command({ dropUser: "tool" });
  await db.command({ dropRole: id });
  for (const name of [id, `${id}-checkpoint`, `${id}-checkpoint-state`]) await admin.db(name).dropDatabase();
}

/** The operations that were asked for at a source or target, as a policy names them. */
const used = ({ calls }: Protocol): string[] =>
  [...new Set(calls.map(({ operation }) => `dynamodb:${operation}`))].sort();

const allowed = ({ Statement }: Policy): string[] => Statement.flatMap(({ Action }) => Action).sort();

/** Everything with the MongoDB role alone, and no other call to the source than the policy has. */
test.each(["rename", "drop"])(
  "sync_mode = all, target.db.exist = %s: all phases, verify, repair, resync and clean",
  async (exist) => {
    await using streams = await startStreams({ tables: ["t"], disabled: true });
    const id = `rights-${exist}`;
    const more = { "target.db.exist": exist };
    const config = configOf(settingsFor(id, streams, more));
    await allow(id, mongoRoles(config)[0]!.privileges);
    try {
      await everything(id, streams, more);
    } finally {
      await forget(id);
    }
    expect(used(streams.source)).toEqual(allowed(sourcePolicy(config)));
  },
);

test("sync_mode = full, tables found by a pattern", async () => {
  const items = [{ pk: { S: "a" } }, { pk: { S: "b" } }];
  await using source = await startStandIn({ tables: { t: { items } } });
  const id = "rights-full";
  const settings = {
    id,
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "t*",
    "target.address": address("tool"),
  };
  const config = configOf(settings);
  await allow(id, mongoRoles(config)[0]!.privileges);
  try {
    await s.migrate(settings, { patience: 2000 });
    await admin.db(id).collection("t").deleteOne({ pk: "b" });
    const verdict = await s.verify(settings, { repair: { deletes: true }, patience: 2000 });
    expect(verdict.isDifferent).toBe(false);
    const cleaning = { builtins: builtinPlugin, config, folder: s.folder, renamed: false, patience: 2000 };
    const { left, removed } = await runClean({ ...cleaning, decide: async () => true });
    expect([left, removed]).toEqual([2, 2]);
  } finally {
    await forget(id);
  }
  expect(used(source)).toEqual(allowed(sourcePolicy(config)));
});

test("a DynamoDB target: no other call than the policy has", async () => {
  const items = [{ pk: { S: "a" } }, { pk: { S: "b" } }];
  await using source = await startStandIn({ tables: { tab: { items } } });
  await using target = await startTarget();
  await dynamo(target.endpoint, "CreateTable", {
    TableName: "tab",
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
  });
  const settings = {
    id: "rights-proxy",
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "tab",
    "target.type": "aliyun_dynamo_proxy",
    "target.address": target.endpoint,
    "target.db.exist": "drop",
    "checkpoint.address": join(s.folder, "positions"),
  };
  await s.migrate(settings, { patience: 2000 });
  target.tables.get("tab")!.items.clear();
  expect((await s.verify(settings, { repair: { deletes: true } })).isDifferent).toBe(false);
  const there = { ...settings, "target.address": "https://dynamodb.us-east-2.amazonaws.com" };
  const { policy } = targetPolicy(configOf(there))!;
  // An index is taken away, and made again, where it refuses an item.
  const expected = allowed(policy).filter((action) => action !== "dynamodb:UpdateTable");
  expect(used(target)).toEqual(expected);
});
