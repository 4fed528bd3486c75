/** incr_sync_parallel: what the streams forget while the full phase runs is in the spool. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Misbehaviour } from "../stand-in/dynamodb.ts";
import { startStreams, type Streams } from "../stand-in/streams.ts";
import { type Outcome, scenario, type Scenario, type Settings } from "./helpers.ts";
import { eventually } from "./eventually.ts";
import { expectRefusal } from "./refusals.ts";
import { change, expectModel, follow, type Followed, positionsNoted, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** A full phase that reads all items at once, as they are then, and ends when it may. */
function slowScan() {
  let streams: Streams | undefined;
  let open = false;
  return {
    begin: (of: Streams) => void (streams = of),
    end: () => void (open = true),
    misbehave({ operation, body }: Call): Misbehaviour | undefined {
      if (operation !== "Scan") return undefined;
      if (body["ExclusiveStartKey"] === undefined) {
        const Items = [...streams!.model("t").values()];
        const Count = Items.length;
        return { result: { Items, Count, ScannedCount: Count, LastEvaluatedKey: { pk: { S: "~" } } } };
      }
      if (open) return { result: { Items: [], Count: 0, ScannedCount: 0 } };
      return { error: "ProvisionedThroughputExceededException" };
    },
  };
}

const settingsOf = (s: Scenario, more: Settings = {}): Settings => ({
  incr_sync_parallel: true,
  "increase.persist.dir": join(s.folder, "spool"),
  "full.read.concurrency": 1,
  ...more,
});

/**
 * Changes over two generations of shards, of which the stream keeps nothing but the open shards themselves.
 *
 * @param patience it forgets what nobody has read for so long, in ms
 */
async function live(streams: Streams, seed: number, run: Followed, patience = 10_000): Promise<void> {
  const random = randomOf(seed);
  let ended: Outcome | undefined;
  void run.done.then((outcome) => (ended = outcome));
  for (let generation = 0; generation < 2; generation++) {
    change(streams, random, 100);
    const parents = streams.open("t");
    for (const shard of parents) if (random(2) === 0) streams.split("t", shard, 1 + random(2));
    change(streams, random, 40);
    const deadline = Date.now() + patience;
    while (!parents.every((shard) => streams.isRead("t", shard)) && Date.now() < deadline) await sleep(20);
    if (ended !== undefined && patience > 1000) throw new Error(`the run ended: ${ended.stderr}`);
    for (const shard of parents) {
      if (streams.open("t").includes(shard)) streams.trim("t", shard, 0);
      else streams.vanish("t", shard);
    }
  }
}

describe("what expires while the full phase runs", () => {
  test("is applied out of the spool, over splits and restarts, and the spool goes", async () => {
    await using s = await scenario();
    const scan = slowScan();
    await using streams = await startStreams({ tables: ["t"], misbehave: scan.misbehave });
    scan.begin(streams);
    change(streams, randomOf(8), 100);
    for (let start = 0; start < 2; start++) {
      const scans = streams.source.count("Scan");
      const run = follow(s, streams, settingsOf(s));
      await positionsNoted(streams, scans);
      await live(streams, 20 + start, run);
      await run.stop();
    }
    expect(readdirSync(join(s.folder, "spool"))).toHaveLength(1);
    const scans = streams.source.count("Scan");
    const run = follow(s, streams, settingsOf(s));
    try {
      await positionsNoted(streams, scans);
      await live(streams, 50, run);
      scan.end();
      await expectModel(s, streams, run);
      change(streams, randomOf(60), 50);
      await expectModel(s, streams, run);
    } finally {
      await run.stop();
    }
    expect(readdirSync(s.folder)).not.toContain("spool");
    // A later start follows the stream as if there never had been one.
    change(streams, randomOf(61), 50);
    const next = follow(s, streams, settingsOf(s));
    try {
      await expectModel(s, streams, next);
    } finally {
      await next.stop();
    }
    expect(readdirSync(s.folder)).not.toContain("spool");
  });

  test("is a gap without it", async () => {
    await using s = await scenario();
    const scan = slowScan();
    await using streams = await startStreams({ tables: ["t"], misbehave: scan.misbehave });
    scan.begin(streams);
    const run = follow(s, streams, settingsOf(s, { incr_sync_parallel: false }));
    await positionsNoted(streams);
    await live(streams, 20, run, 700);
    scan.end();
    expectRefusal(await run.done, { exit: 1, code: "STREAM_GAP", says: ["table t"] });
  });
});

describe("a spool that isn't what it was", () => {
  /** Stops in the full phase with something spooled, lets something happen to the spool, and starts again. */
  async function after(what: (spool: string) => void): Promise<Outcome> {
    await using s = await scenario();
    const scan = slowScan();
    await using streams = await startStreams({ tables: ["t"], misbehave: scan.misbehave });
    scan.begin(streams);
    const first = follow(s, streams, settingsOf(s));
    await positionsNoted(streams);
    change(streams, randomOf(9), 200);
    await eventually(() => expect(streams.open("t").every((shard) => streams.isRead("t", shard))).toBe(true));
    await first.stop();
    const spool = join(s.folder, "spool");
    what(join(spool, readdirSync(spool)[0]!));
    return await follow(s, streams, settingsOf(s)).done;
  }

  test("missing: a gap that names folder, table and shard", async () => {
    const run = await after((folder) => rmSync(folder, { recursive: true }));
    expectRefusal(run, {
      exit: 1,
      code: "STREAM_GAP",
      says: ["is gone: table t, shard", "folder", "--fresh"],
    });
  });

  test("shorter: a gap", async () => {
    const run = await after((folder) => truncateSync(join(folder, readdirSync(folder)[0]!), 600));
    expectRefusal(run, {
      exit: 1,
      code: "STREAM_GAP",
      says: [/the spool was read up to \d+ and/, "table t"],
    });
  });
});
