/** A DynamoDB-protocol target that leaves writes undone and throttles: nothing is missing, in both phases. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { definePlugin } from "../../core/plugin/plugin.ts";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { startTarget, type Target, type TargetOptions } from "../stand-in/dynamodb-target.ts";
import { startStreams, type Streams } from "../stand-in/streams.ts";
import { expectVerified } from "./equal.ts";
import { type Outcome, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { positionsNoted, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

/** A third of each request is left undone, and every tenth call is throttled. */
const unwilling: TargetOptions = {
  undone: (writes) => writes.slice(0, Math.floor(writes.length / 3)),
  misbehave: ({ operation, number }) =>
    operation === "BatchWriteItem" && number % 10 === 0
      ? { error: "ProvisionedThroughputExceededException" }
      : undefined,
};

function to(s: Scenario, source: { endpoint: string }, target: Target, settings: Settings = {}): Settings {
  return {
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "target.type": "aliyun_dynamo_proxy",
    "target.address": target.endpoint,
    "checkpoint.address": `${s.folder}/positions`,
    "incr_sync.http_port": -1,
    ...settings,
  };
}

test("the full phase: every item is there, byte for byte, and the throttling is counted", async () => {
  await using s = await scenario();
  const items = someItems(5000, 200);
  await using source = await startStandIn({ tables: { tab: { items } } });
  await using target = await startTarget(unwilling);
  const progress = await s.migrate(to(s, source, target, { "full.document.concurrency": 32 }));
  expect(progress.tables.get("tab")).toMatchObject({ written: 5000, trouble: { what: "throttled" } });
  expect(progress.tables.get("tab")!.throttles).toBeGreaterThan(200);
  expect(new Set(target.items("tab").map((item) => JSON.stringify(item)))).toEqual(
    new Set(items.map((item) => JSON.stringify(item))),
  );
  await expectVerified(s, 5000, to(s, source, target));
});

function change(streams: Streams, random: (below: number) => number, count: number): void {
  for (let n = 0; n < count; n++) {
    const pk = `k${random(60)}`;
    if (random(4) === 0) streams.remove("tab", pk);
    else streams.put("tab", { pk: { S: pk }, [`a${random(3)}`]: { N: String(random(1_000_000)) } });
  }
}

interface Followed {
  done: Promise<Outcome>;
  stop(): Promise<void>;
}

function follow(s: Scenario, streams: Streams, target: Target, settings: Settings = {}): Followed {
  const stop = new AbortController();
  const all = to(s, streams.source, target, { sync_mode: "all", ...settings });
  const done = s.attempt(all, { signal: stop.signal, patience: 8 * SECOND });
  return {
    done,
    async stop() {
      stop.abort(new Error("enough"));
      await done;
    },
  };
}

async function expectModel(streams: Streams, target: Target, run: Followed): Promise<void> {
  const expected = (): Record<string, unknown> => Object.fromEntries([...streams.model("tab")].sort());
  const found = (): Record<string, unknown> =>
    Object.fromEntries(
      target
        .items("tab")
        .map((item) => [(item["pk"] as { S: string }).S, item])
        .sort(),
    );
  const deadline = Date.now() + 20 * SECOND;
  let ended: Outcome | undefined;
  run.done.then((outcome) => (ended = outcome)).catch(() => {});
  while (!Bun.deepEquals(found(), expected()) && Date.now() < deadline) {
    if (ended !== undefined) throw new Error(`the run ended: ${ended.stderr}`);
    await sleep(30);
  }
  expect(found()).toEqual(expected());
}

/** Without the faults of either side. */
async function verifyModel(s: Scenario, streams: Streams, target: Target): Promise<void> {
  await using source = await startStandIn({ tables: { tab: { items: [] } }, misbehave: streams.right });
  await expectVerified(s, streams.model("tab").size, to(s, source, target, { sync_mode: "all" }));
}

test("the incremental phase: puts, changes and deletes in order, whatever the endpoint does", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["tab"] });
  await using target = await startTarget({
    ...unwilling,
    misbehave: (call) => {
      if (call.operation !== "BatchWriteItem") return undefined;
      return call.number % 7 === 0 ? "cut" : unwilling.misbehave!(call);
    },
  });
  const random = randomOf(5);
  change(streams, random, 100);
  for (let round = 0; round < 3; round++) {
    const run = follow(s, streams, target);
    try {
      for (let n = 0; n < 20; n++) {
        change(streams, random, 30);
        await sleep(20);
      }
      await expectModel(streams, target, run);
    } finally {
      await run.stop();
    }
    await verifyModel(s, streams, target);
    change(streams, random, 100);
  }
});

test("on_gap = resync copies the table again, and deletes what is gone", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["tab"] });
  await using target = await startTarget(unwilling);
  const random = randomOf(9);
  change(streams, random, 100);
  const first = follow(s, streams, target);
  await positionsNoted(streams);
  change(streams, random, 100);
  await expectModel(streams, target, first);
  await first.stop();
  change(streams, random, 200);
  for (const shard of streams.open("tab")) {
    streams.split("tab", shard, 1);
    streams.trim("tab", shard, 0);
  }
  const second = follow(s, streams, target, { on_gap: "resync" });
  try {
    await expectModel(streams, target, second);
  } finally {
    await second.stop();
  }
  await verifyModel(s, streams, target);
});

test("a source without streams: the error says to use full", async () => {
  await using s = await scenario();
  await using source = await startStandIn({ tables: { tab: { items: someItems(3) } } });
  await using target = await startTarget();
  const run = await s.cli(to(s, source, target, { sync_mode: "all" }));
  expectRefusal(run, { exit: 2, code: "STREAM_UNFIT", says: ["has no streams", "sync_mode = full"] });
});

test("plugins: items left out and edited, the table and its key under other names", async () => {
  await using s = await scenario();
  await using source = await startStandIn({ tables: { tab: { items: someItems(50) } } });
  await using target = await startTarget(unwilling);
  const plugin = definePlugin({
    name: "edits",
    keepsKeys: true,
    setup(ctx) {
      ctx.hook("table:before", ({ table }) => {
        table.targetName = "renamed";
        table.keys.partition.targetName = "id";
      });
      ctx.hook("fetch:after", (event) => event.keep((item) => Number(item["n"]!.N) % 2 === 0));
      ctx.hook("convert:before", ({ records }) => {
        for (const record of records) {
          const { pk, ...rest } = record.item!;
          record.item = { id: pk!, ...rest, more: { S: "" } };
        }
      });
    },
  });
  await s.migrate(to(s, source, target), { plugins: [plugin] });
  expect(target.tables.get("renamed")!.keys).toEqual(["id"]);
  const found = target.items("renamed").map((item) => JSON.stringify(item));
  expect(found.toSorted()).toEqual(
    someItems(50)
      .filter((_, n) => n % 2 === 0)
      .map(({ pk, ...rest }) => JSON.stringify({ id: pk, ...rest, more: { S: "" } }))
      .toSorted(),
  );
  await expectVerified(s, 25, to(s, source, target), { plugins: [plugin] });
});
