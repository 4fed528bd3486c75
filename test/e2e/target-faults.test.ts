/** A target whose answers get lost, that goes away for a while, and a user who stops the run. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { startMongod } from "../servers/mongod.ts";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { startMongoProxy } from "../stand-in/mongo-proxy.ts";
import type { Fate } from "../stand-in/mongo-proxy.ts";
import { expectVerified } from "./equal.ts";
import { scenario, someItems } from "./helpers.ts";
import type { Running, Scenario, Settings } from "./helpers.ts";
import { expectStop } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const COUNT = 300;
const small = { "full.document.write.batch": 25, "full.read.concurrency": 2 };

/** Every item is there, none twice. */
async function expectExact(s: Scenario, table: string): Promise<void> {
  const keys = (await s.documents(table)).map(({ pk }) => pk);
  expect(keys.length).toBe(COUNT);
  expect(new Set(keys).size).toBe(COUNT);
  expect(Object.keys(await s.indexes(table)).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
  await expectVerified(s, COUNT);
}

describe("lost answers", () => {
  test.concurrent.each<[string, (command: string, number: number) => boolean, number]>([
    ["of the first insert", (command, number) => command === "insert" && number === 1, 1],
    ["of four inserts", (command, number) => command === "insert" && [2, 3, 6, 9].includes(number), 4],
    ["of the list of what is kept", (command, number) => command === "aggregate" && number === 1, 1],
    ["of the count", (command, number) => command === "aggregate" && number === 2, 1],
    ["of the list of collections", (command, number) => command === "listCollections" && number === 1, 1],
    ["of create", (command, number) => command === "create" && number === 1, 1],
    ["of createIndexes", (command, number) => command === "createIndexes" && number === 1, 1],
  ])("%s: exact, without a duplicate", async (_, loses, lost) => {
    await using s = await scenario();
    const table = await s.table("lost", { items: someItems(COUNT) });
    await using proxy = await startMongoProxy(s.mongoUri, {
      fate: (command, number): Fate => (loses(command, number) ? "lose" : "pass"),
    });
    const run = await s.cli({ "target.address": proxy.uri, ...small });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    // cutting a connection loses what else was on its way on it: at least so many
    expect(proxy.lost).toBeGreaterThanOrEqual(lost);
    await expectExact(s, table);
  });

  test.concurrent("a table whose key is _id: what was written is found again, and not twice", async () => {
    await using s = await scenario();
    const items = someItems(COUNT).map(({ pk, ...rest }) => ({ _id: pk!, ...rest }));
    const table = await s.table("ids", { key: ["_id"], items });
    await using proxy = await startMongoProxy(s.mongoUri, {
      fate: (command, number) => (command === "insert" && number === 2 ? "lose" : "pass"),
    });
    const run = await s.cli({ "target.address": proxy.uri, ...small });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
    await expectVerified(s, COUNT);
  });

  test.concurrent("a server that is away for 3 s", async () => {
    await using s = await scenario();
    const table = await s.table("away", { items: someItems(COUNT) });
    let away: Promise<void> | undefined;
    await using proxy = await startMongoProxy(s.mongoUri, {
      fate(command, number) {
        if (command === "insert" && number === 4)
          away = proxy
            .refuse()
            .then(() => sleep(3 * SECOND))
            .then(() => proxy.accept());
        return "pass";
      },
    });
    const run = await s.cli({ "target.address": proxy.uri, ...small });
    await away;
    expect(away).toBeDefined();
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.ms).toBeGreaterThan(3 * SECOND);
    expect(run.stdout).toMatch(/WARN.*again in/);
    await expectExact(s, table);
  });
});

test.concurrent("mongod killed with -9 in mid-run and back after 10 s: nothing that was acknowledged is missing", async () => {
  await using s = await scenario();
  await using mongod = await startMongod({ own: true });
  const count = 20_000;
  await using source = await startStandIn({ tables: { t: { items: someItems(count) } } });
  const settings = {
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "target.address": mongod.uri,
    "full.read.concurrency": 4,
    "qps.full": 100,
  };
  const running = s.start([`-conf=${s.conf(s.settings(settings))}`]);
  while (source.count("Scan") < 80) await sleep(10);
  await mongod.kill9();
  await sleep(10 * SECOND);
  await mongod.restart();
  expect(await running.done).toMatchObject({ code: 0, stderr: "" });
  const client = new MongoClient(mongod.uri);
  try {
    const copied = client.db(s.id).collection("t");
    expect([await copied.countDocuments({}), (await copied.distinct("n")).length]).toEqual([count, count]);
    await expectVerified(s, count, settings);
  } finally {
    await client.close();
  }
});

test.concurrent("SIGTERM while mongod is away: ended within 10 s, and gone on with when it is back", async () => {
  await using s = await scenario();
  await using mongod = await startMongod({ own: true });
  const count = 5000;
  await using source = await startStandIn({ tables: { t: { items: someItems(count) } } });
  const settings = {
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "target.address": mongod.uri,
    "qps.full": 40,
  };
  const conf = s.conf(s.settings(settings));
  const running = s.start([`-conf=${conf}`]);
  while (source.count("Scan") < 10) await sleep(10);
  await mongod.kill9();
  await sleep(2 * SECOND);
  const sent = performance.now();
  running.kill("SIGTERM");
  const run = await running.done;
  expectStop(run, "SIGTERM");
  expect(performance.now() - sent).toBeLessThan(10 * SECOND);
  await mongod.restart();
  expect(await s.run([`-conf=${conf}`])).toMatchObject({ code: 0, stderr: "" });
  const client = new MongoClient(mongod.uri);
  try {
    expect(await client.db(s.id).collection("t").countDocuments({})).toBe(count);
    await expectVerified(s, count, { ...settings, "qps.full": 1000 });
  } finally {
    await client.close();
  }
});

describe("stopped by a signal", () => {
  /** Starts a run, waits until `reached`, sends the signal, and gives the run and how long it took to end. */
  async function stop(s: Scenario, settings: Settings, reached: () => boolean, signal: NodeJS.Signals) {
    const running: Running = s.start([`-conf=${s.conf(s.settings(settings))}`]);
    const deadline = Date.now() + 10 * SECOND;
    while (!reached()) {
      if (Date.now() > deadline)
        throw new Error(`never came that far: ${JSON.stringify(await running.done)}`);
      await sleep(10);
    }
    await sleep(100);
    const sent = performance.now();
    running.kill(signal);
    const patience = setTimeout(() => running.kill("SIGKILL"), 12 * SECOND);
    const run = await running.done.finally(() => clearTimeout(patience));
    return { run, ms: performance.now() - sent };
  }

  const items = someItems(COUNT);
  const slowly = (operation: string) =>
    startStandIn({
      tables: { t: { items } },
      misbehave: (call) =>
        call.operation === operation && (operation !== "Scan" || call.number > 2)
          ? { delayMs: 20 * SECOND }
          : undefined,
    });

  test.concurrent.each([
    ["SIGTERM", "Scan"],
    ["SIGINT", "Scan"],
    ["SIGTERM", "ListTables"],
  ] as const)("%s: its exit code, while %s waits for its answer", async (signal, operation) => {
    await using s = await scenario();
    await using source = await slowly(operation);
    const settings = {
      "source.endpoint_url": source.endpoint,
      "source.session.timeout": 0,
      "filter.collection.white": "",
      "qps.full.batch_num": 10,
    };
    const { run, ms } = await stop(
      s,
      settings,
      () => source.count(operation) >= (operation === "Scan" ? 3 : 1),
      signal,
    );
    expectStop(run, signal);
    expect(ms).toBeLessThan(2 * SECOND);
  });

  test.concurrent.each([
    // What is being written has some seconds to be finished; the rest is done again by the next run.
    ["insert", 10, 1],
    ["createIndexes", 3, 1],
    // The count; before it the lease and the names of states are looked for.
    ["aggregate", 3, 3],
    ["create", 3, 1],
    ["find", 10, 1],
  ] as const)(
    "SIGTERM while the answer to %s is outstanding: ended within %d s",
    async (command, seconds, from) => {
      await using s = await scenario();
      await s.table("held", { items });
      await using proxy = await startMongoProxy(s.mongoUri, {
        fate: (name, number) => (name === command && number >= from ? "hold" : "pass"),
      });
      const { run, ms } = await stop(
        s,
        { "target.address": proxy.uri },
        () => proxy.count(command) >= from,
        "SIGTERM",
      );
      expectStop(run, "SIGTERM");
      expect(ms).toBeLessThan(seconds * SECOND);
    },
  );

  test.concurrent("SIGTERM while an absent server is waited for", async () => {
    await using s = await scenario();
    await s.table("absent", { items });
    await using source = await startStandIn({ tables: { t: { items } } });
    const settings = {
      "source.endpoint_url": source.endpoint,
      "filter.collection.white": "",
      "target.address": "mongodb://127.0.0.1:1/",
    };
    const { run, ms } = await stop(s, settings, () => source.count("DescribeTable") > 0, "SIGTERM");
    expectStop(run, "SIGTERM");
    expect(ms).toBeLessThan(3 * SECOND);
  });
});
