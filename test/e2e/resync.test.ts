/** on_gap = resync: after a gap a table is copied again, and ends as the source is. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Long } from "mongodb";
import { definePlugin } from "../../core/plugin/plugin.ts";
import type { Misbehaviour } from "../stand-in/dynamodb.ts";
import { startStreams, type Streams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { change, expectModel, follow, positionsNoted, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const resync = { on_gap: "resync" };

test.concurrent.each<[string, (streams: Streams, shard: string) => void]>([
  ["trimmed records", (streams, shard) => streams.trim("t", shard, 0)],
  ["a vanished shard", (streams, shard) => streams.vanish("t", shard)],
  ["a stream that was made anew", (streams) => streams.renew("t")],
])("%s between two runs", async (_, lose) => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"] });
  const random = randomOf(9);
  change(streams, random, 100);
  const first = follow(s, streams);
  await positionsNoted(streams);
  change(streams, random, 100);
  await expectModel(s, streams, first);
  await first.stop();
  change(streams, random, 200);
  for (const shard of streams.open("t")) {
    streams.split("t", shard, 1);
    lose(streams, shard);
  }
  const second = follow(s, streams, resync);
  try {
    await expectModel(s, streams, second);
    change(streams, random, 50);
    await expectModel(s, streams, second);
  } finally {
    await second.stop();
  }
  // It is a run like any other after that.
  const scans = streams.source.count("Scan");
  change(streams, random, 50);
  const third = follow(s, streams, resync);
  try {
    await expectModel(s, streams, third);
  } finally {
    await third.stop();
  }
  expect(streams.source.count("Scan")).toBe(scans);
});

test.concurrent.each(["incr", "all"])(
  "a table that was deleted and made anew between two runs, sync_mode = %s: copied again, and what was there is gone",
  async (mode) => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"] });
    const random = randomOf(14);
    change(streams, random, 100);
    const copied = Promise.withResolvers<void>();
    const first = follow(s, streams, {}, { onFullDone: () => copied.resolve() });
    await copied.promise;
    await first.stop();
    streams.remake("t");
    change(streams, random, 30);
    const refused = await follow(s, streams, { sync_mode: mode }).done;
    const says = ["table t was deleted and made anew", "on_gap = resync"];
    expectRefusal(refused, { exit: 2, code: "CHECKPOINT_MISMATCH", says });
    const second = follow(s, streams, { ...resync, sync_mode: mode });
    try {
      await expectModel(s, streams, second);
      change(streams, random, 30);
      await expectModel(s, streams, second);
    } finally {
      await second.stop();
    }
    // It is the run's table from then on.
    const scans = streams.source.count("Scan");
    change(streams, random, 30);
    const third = follow(s, streams, { sync_mode: mode });
    try {
      await expectModel(s, streams, third);
    } finally {
      await third.stop();
    }
    expect(streams.source.count("Scan")).toBe(scans);
  },
);

test.concurrent("a table that was made anew before its copy was done is copied from its begin", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"] });
  const random = randomOf(15);
  change(streams, random, 100);
  const killed = definePlugin({
    name: "killed",
    setup(ctx) {
      ctx.hook("checkpoint:after", ({ phase }) => {
        if (phase === "full") throw new Error("killed here");
      });
    },
  });
  expect((await follow(s, streams, {}, { plugins: [killed] }).done).stderr).toContain("killed here");
  streams.remake("t");
  change(streams, random, 30);
  const run = follow(s, streams, resync);
  try {
    await expectModel(s, streams, run);
  } finally {
    await run.stop();
  }
});

test.concurrent("while it follows, with another table that goes on, and writers all along", async () => {
  await using s = await scenario();
  let stalled = false;
  const scanned: string[] = [];
  await using streams = await startStreams({
    tables: ["t", "u"],
    misbehave({ operation, body }): Misbehaviour | undefined {
      if (operation === "Scan") scanned.push(String(body["TableName"]));
      const ofT = String(body["ShardIterator"]).includes('"t"');
      return stalled && operation === "GetRecords" && ofT
        ? { error: "ProvisionedThroughputExceededException" }
        : undefined;
    },
  });
  const random = randomOf(12);
  change(streams, random, 200);
  const run = follow(s, streams, resync);
  try {
    await expectModel(s, streams, run);
    change(streams, random, 100);
    await expectModel(s, streams, run);
    scanned.length = 0;
    stalled = true;
    await sleep(300);
    change(streams, random, 200);
    for (const shard of streams.open("t")) streams.trim("t", shard, 0);
    stalled = false;
    for (let n = 0; n < 30; n++) {
      change(streams, random, 10);
      streams.put("u", { pk: { S: `u${n}` } });
      await sleep(40);
    }
    await expectModel(s, streams, run);
    expect(await s.db.collection("u").countDocuments()).toBe(30);
    expect(new Set(scanned)).toEqual(new Set(["t"]));
  } finally {
    await run.stop();
  }
});

test.concurrent.each(["incr", "all"])(
  "sync_mode = %s: while a table is copied again at the start, those behind it are followed",
  async (mode) => {
    await using s = await scenario();
    let stalled = false;
    await using streams = await startStreams({
      tables: ["t", "u"],
      misbehave: ({ operation }) =>
        stalled && operation === "Scan" ? { error: "ProvisionedThroughputExceededException" } : undefined,
    });
    const random = randomOf(17);
    const u = s.db.collection("u");
    change(streams, random, 100);
    streams.put("u", { pk: { S: "a" } });
    const copied = Promise.withResolvers<void>();
    const first = follow(s, streams, {}, { onFullDone: () => copied.resolve() });
    await copied.promise;
    await first.stop();
    change(streams, random, 100);
    streams.renew("t");
    stalled = true;
    const second = follow(s, streams, { ...resync, sync_mode: mode, "full.concurrency": 1 });
    try {
      streams.put("u", { pk: { S: "b" } });
      await eventually(async () => expect(await u.countDocuments()).toBe(2));
      stalled = false;
      await expectModel(s, streams, second);
    } finally {
      await second.stop();
    }
  },
);

test.concurrent("stopped while it copies again: it goes on with that, not with the old positions", async () => {
  await using s = await scenario();
  let slow = false;
  await using streams = await startStreams({
    tables: ["t"],
    misbehave: ({ operation }) =>
      slow && (operation === "Scan" || operation === "BatchGetItem")
        ? { error: "ProvisionedThroughputExceededException" }
        : undefined,
  });
  const random = randomOf(31);
  change(streams, random, 200);
  const first = follow(s, streams);
  await expectModel(s, streams, first);
  change(streams, random, 100);
  await expectModel(s, streams, first);
  await first.stop();
  change(streams, random, 200);
  for (const shard of streams.open("t")) streams.trim("t", shard, 0);
  slow = true;
  for (let start = 0; start < 2; start++) {
    const run = follow(s, streams, resync);
    await sleep(700);
    change(streams, random, 20);
    await run.stop();
  }
  slow = false;
  const run = follow(s, streams, resync);
  try {
    await expectModel(s, streams, run);
  } finally {
    await run.stop();
  }
});

test.concurrent("an item that left a plugin's filter meanwhile is deleted, one that is in it stays", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"] });
  const put = (pk: string, n: number): void => streams.put("t", { pk: { S: pk }, n: { N: String(n) } });
  const plugins = [
    definePlugin({
      name: "small",
      keepsKeys: true,
      setup: (ctx) => ctx.hook("fetch:after", (e) => e.keep((item) => Number(item["n"]?.N) < 10)),
    }),
  ];
  const found = async (): Promise<string[]> =>
    (await s.db.collection("t").find().sort({ pk: 1 }).toArray()).map(({ pk, n }) => `${pk} ${n}`);
  for (const [pk, n] of Object.entries({ a: 1, b: 2, c: 20, d: 4 })) put(pk, n);
  const first = follow(s, streams, {}, { plugins });
  await eventually(async () => expect(await found()).toEqual(["a 1", "b 2", "d 4"]));
  await first.stop();
  put("a", 11);
  put("b", 3);
  put("c", 5);
  streams.remove("t", "d");
  for (const shard of streams.open("t")) streams.trim("t", shard, 0);
  streams.renew("t");
  const second = follow(s, streams, resync, { plugins });
  try {
    await eventually(async () => expect(await found()).toEqual(["b 3", "c 5"]));
  } finally {
    await second.stop();
  }
});

test.concurrent.each(["change", "mchange", "raw"])(
  "keys of every type on real servers, convert.type = %s: what is gone is deleted, what is there stays",
  async (type) => {
    await using s = await scenario();
    const numbers = ["0", "-7", "2147483648", "9007199254740991", "0.1", "1.5e-7", "123456789.25"];
    const table = await s.table("t", { key: ["pk:N", "sk:B"] });
    const put = (n: string, b: string) =>
      dynamo(s.dynamoEndpoint, "PutItem", {
        TableName: table,
        Item: { pk: { N: n }, sk: { B: b }, n: { S: "x" } },
      });
    const keyOf = (n: string, b: string) => ({ pk: { N: n }, sk: { B: b } });
    for (const n of numbers) for (const b of ["AA==", "/w=="]) await put(n, b);
    const settings = { sync_mode: "all", "incr_sync.http_port": -1, "convert.type": type };
    const run = async (more: object, until: () => Promise<boolean>): Promise<void> => {
      const stop = new AbortController();
      const done = s.attempt({ ...settings, ...more }, { signal: stop.signal });
      const deadline = Date.now() + 20_000;
      while (!(await until()) && Date.now() < deadline) await sleep(50);
      stop.abort(new Error("enough"));
      await done;
    };
    const documents = s.db.collection(table);
    await run({}, async () => (await documents.countDocuments()) === 14);
    await sleep(200);
    // A stranger's document, and a stream made anew: the positions are lost.
    await documents.insertOne({ pk: "a stranger's", n: Long.fromNumber(1) });
    const described = await dynamo(s.dynamoEndpoint, "UpdateTable", {
      TableName: table,
      StreamSpecification: { StreamEnabled: false },
    });
    expect(described).toBeDefined();
    for (const n of numbers.slice(0, 4)) {
      await dynamo(s.dynamoEndpoint, "DeleteItem", { TableName: table, Key: keyOf(n, "/w==") });
    }
    await put("5e2", "BQ==");
    const expected = 14 - 4 + 1 + 1;
    await run(resync, async () => (await documents.countDocuments()) === expected);
    expect(await documents.countDocuments()).toBe(expected);
    expect(await documents.countDocuments({ pk: "a stranger's" })).toBe(1);
  },
);
