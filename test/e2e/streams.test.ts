/** Streams with a scripted life: whatever happens to the shards, the target ends as the source's model. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Misbehaviour } from "../stand-in/dynamodb.ts";
import { startStreams, type Streams, type StreamsOptions } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { type Outcome, scenario } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { change, expectModel, follow, positionsNoted, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

const tenth = (seed: number): ((call: Call) => Misbehaviour | undefined) => {
  const random = randomOf(seed);
  return ({ operation }) => {
    const at = random(100);
    if (at < 10) return { error: "ProvisionedThroughputExceededException" };
    if (at < 13) return "hang up";
    if (at < 15) return { error: "InternalServerError", status: 500 };
    if (at < 17 && operation === "GetRecords") return { text: '{"Records":[{"dynam' };
    return undefined;
  };
};

describe("the target ends as the model is", () => {
  test.concurrent.each<[string, Partial<StreamsOptions>]>([
    ["as it should be", {}],
    ["three shards a page", { page: 3 }],
    ["the filter for children ignored", { childFilter: "ignored" }],
    ["the filter for children refused", { childFilter: "refused" }],
    ["late children", { childrenAfter: 400 }],
    ["empty answers in between", { emptyEvery: 2 }],
    ["a stream to be enabled", { disabled: true }],
    ["a tenth throttled, others cut, broken or nonsense", { misbehave: tenth(5) }],
  ])("%s, over three generations of splits", async (_, options) => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"], ...options });
    const random = randomOf(3);
    change(streams, random, 40);
    // closed before the start: what is in it is in the table
    streams.split("t", streams.open("t")[0]!);
    change(streams, random, 20);
    const run = follow(s, streams);
    try {
      for (let generation = 0; generation < 3; generation++) {
        await sleep(150);
        change(streams, random, 60);
        for (const shard of streams.open("t").slice(0, 2)) streams.split("t", shard, 1 + random(2));
        change(streams, random, 60);
      }
      streams.expire();
      change(streams, random, 30);
      await expectModel(s, streams, run);
    } finally {
      await run.stop();
    }
  });

  test("an idle stream is not listed again", async () => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"] });
    const run = follow(s, streams);
    try {
      await eventually(() => expect(streams.source.count("GetRecords")).toBeGreaterThan(25));
      expect(streams.source.count("DescribeStream")).toBe(1);
    } finally {
      await run.stop();
    }
  });

  test.concurrent.each(["ExpiredIteratorException", "TrimmedDataAccessException"])(
    "an iterator that fails with %s before the first record: nothing written since is skipped",
    async (error) => {
      await using s = await scenario();
      let fails = 0;
      await using streams = await startStreams({
        tables: ["t"],
        misbehave: ({ operation }) => (operation === "GetRecords" && fails-- > 0 ? { error } : undefined),
      });
      const run = follow(s, streams);
      try {
        await sleep(800);
        // at once, so that no request comes in between
        change(streams, randomOf(4), 30);
        fails = 2;
        await expectModel(s, streams, run);
      } finally {
        await run.stop();
      }
    },
  );

  test.concurrent("what is over and listed no more is kept no more, and the next start goes on without it", async () => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"] });
    const random = randomOf(6);
    change(streams, random, 40);
    const rows = async (): Promise<string[]> => {
      const found = await s.client.db(`${s.id}-checkpoint`).collection("t").find().toArray();
      return found.map(({ ShardId }) => String(ShardId)).sort();
    };
    const options = { patience: 2 * SECOND };
    const run = follow(s, streams, {}, options);
    await positionsNoted(streams);
    const begun = streams.open("t");
    try {
      for (let generation = 0; generation < 2; generation++) {
        for (const shard of streams.open("t")) streams.split("t", shard, 1);
        change(streams, random, 40);
        await expectModel(s, streams, run);
      }
      for (const shard of begun) streams.vanish("t", shard);
      await eventually(async () => {
        const left = await rows();
        expect(left).toEqual(expect.arrayContaining(streams.open("t")));
        for (const shard of begun) expect(left).not.toContain(shard);
      });
    } finally {
      await run.stop();
    }
    change(streams, random, 40);
    const next = follow(s, streams, {}, options);
    try {
      await expectModel(s, streams, next);
    } finally {
      await next.stop();
      await s.client.db(`${s.id}-checkpoint`).dropDatabase();
    }
  });

  test("stopped and started again at five random moments", async () => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"], page: 3 });
    const random = randomOf(17);
    change(streams, random, 60);
    for (let start = 0; start < 5; start++) {
      const run = follow(s, streams);
      await sleep(100 + random(500));
      change(streams, random, 50);
      streams.split("t", streams.open("t")[random(2)]!);
      change(streams, random, 50);
      await sleep(random(300));
      await run.stop();
      change(streams, random, 20);
    }
    const run = follow(s, streams);
    try {
      await expectModel(s, streams, run);
    } finally {
      await run.stop();
    }
  });
});

describe("a gap ends the run and names it", () => {
  /** Follows, stops when all is applied, lets something happen, and gives what the next start says. */
  async function after(
    what: (streams: Streams, shard: string) => void,
  ): Promise<{ run: Outcome; shard: string }> {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"] });
    const random = randomOf(9);
    const first = follow(s, streams);
    await positionsNoted(streams);
    change(streams, random, 100);
    await expectModel(s, streams, first);
    await first.stop();
    change(streams, random, 100);
    const shard = streams.open("t")[0]!;
    what(streams, shard);
    return { run: await follow(s, streams).done, shard };
  }

  test.concurrent("trimmed records", async () => {
    const { run, shard } = await after((streams, id) => streams.trim("t", id, 5));
    expectRefusal(run, {
      exit: 1,
      code: "STREAM_GAP",
      says: ["table t", shard, /after \d+ are gone/, /made at \d{4}-/, "on_gap = resync", "--fresh"],
    });
  });

  test("a vanished shard", async () => {
    const { run, shard } = await after((streams, id) => streams.vanish("t", id));
    expectRefusal(run, { exit: 1, code: "STREAM_GAP", says: ["table t", shard] });
    // it doesn't come back: nothing to wait for
    expect(run.ms).toBeLessThan(3 * SECOND);
  });

  test.concurrent("a shard that came and went unseen", async () => {
    let parent = "";
    const { run } = await after((streams, id) => {
      streams.split("t", id, 1);
      parent = streams.open("t")[0]!;
      streams.split("t", parent, 1);
      streams.vanish("t", parent);
    });
    expectRefusal(run, {
      exit: 1,
      code: "STREAM_GAP",
      says: ["table t", parent, "gone before it was ever seen"],
    });
  });

  test.concurrent("a stream that was made anew", async () => {
    const { run } = await after((streams) => streams.renew("t"));
    expectRefusal(run, { exit: 1, code: "STREAM_GAP", says: ["table t", "stream/1", "stream/2"] });
  });

  test.concurrent("a stream that ends without a child", async () => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"] });
    const run = follow(s, streams);
    await positionsNoted(streams);
    for (const shard of streams.open("t")) streams.split("t", shard, 0);
    expectRefusal(await run.done, { exit: 1, code: "STREAM_GAP", says: ["table t", "disabled"] });
  });
});

test.concurrent("a new table is copied, a vanished one left alone; the others go on from where they were", async () => {
  await using s = await scenario();
  let names = ["t", "u"];
  const scanned: unknown[] = [];
  await using streams = await startStreams({
    tables: ["t", "u", "v"],
    misbehave({ operation, body }) {
      if (operation === "Scan") scanned.push(body["TableName"]);
      return operation === "ListTables" ? { result: { TableNames: names } } : undefined;
    },
  });
  const random = randomOf(2);
  change(streams, random, 100);
  streams.put("u", { pk: { S: "a" } });
  streams.put("v", { pk: { S: "b" } });
  const first = follow(s, streams);
  await expectModel(s, streams, first);
  await sleep(300);
  await first.stop();
  change(streams, random, 100);
  streams.remove("u", "a");
  scanned.length = 0;
  names = ["t", "v"];
  const second = follow(s, streams);
  try {
    await expectModel(s, streams, second);
    // What is followed already doesn't wait for what is copied.
    await eventually(async () => expect(await s.db.collection("v").countDocuments()).toBe(1));
    expect(await s.db.collection("u").countDocuments()).toBe(1);
    expect(new Set(scanned)).toEqual(new Set(["v"]));
  } finally {
    await second.stop();
  }
  // The one that vanished was a moment away: its changes were kept.
  names = ["t", "u", "v"];
  scanned.length = 0;
  const third = follow(s, streams);
  try {
    const deadline = Date.now() + 10 * SECOND;
    while ((await s.db.collection("u").countDocuments()) > 0 && Date.now() < deadline) await sleep(30);
    expect(await s.db.collection("u").countDocuments()).toBe(0);
    expect(scanned).toEqual([]);
  } finally {
    await third.stop();
  }
});

test.concurrent("a stream of another kind is refused, with what to do", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"], view: "KEYS_ONLY" });
  expectRefusal(await follow(s, streams).done, {
    exit: 2,
    code: "STREAM_UNFIT",
    says: ["table t", "KEYS_ONLY", "NEW_AND_OLD_IMAGES"],
  });
});

test.concurrent("a source without streams is refused, with what to do", async () => {
  await using s = await scenario();
  await using streams = await startStreams({
    tables: ["t"],
    misbehave: ({ operation }) =>
      operation === "DescribeStream" ? { error: "UnknownOperationException" } : undefined,
  });
  expectRefusal(await follow(s, streams).done, { exit: 2, code: "STREAM_UNFIT", says: ["sync_mode = full"] });
});

test("increase.concurrency and qps.incr hold over all shards", async () => {
  await using s = await scenario();
  let asked = 0;
  let most = 0;
  await using streams = await startStreams({
    tables: ["t"],
    misbehave({ operation }) {
      if (operation !== "GetRecords") return undefined;
      most = Math.max(most, ++asked);
      setTimeout(() => asked--, 20);
      return undefined;
    },
  });
  for (let n = 0; n < 4; n++) for (const shard of streams.open("t")) streams.split("t", shard);
  const run = follow(s, streams, { "increase.concurrency": 2, "qps.incr": 40 });
  try {
    // Followed from then on; taking the positions keeps to it, too.
    await positionsNoted(streams);
    change(streams, randomOf(2), 20);
    await expectModel(s, streams, run);
    const before = streams.source.count("GetRecords");
    await sleep(3 * SECOND);
    const perSecond = (streams.source.count("GetRecords") - before) / 3;
    expect(perSecond).toBeLessThanOrEqual(43);
    expect(perSecond).toBeGreaterThan(25);
    expect(most).toBeLessThanOrEqual(32);
    change(streams, randomOf(1), 200);
    await expectModel(s, streams, run);
  } finally {
    await run.stop();
  }
});
