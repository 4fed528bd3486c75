/** Runs that are killed, and those that go on from what they left. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startMongoProxy } from "../stand-in/mongo-proxy.ts";
import { type StandIn, startStandIn } from "../stand-in/dynamodb.ts";
import { expectVerified } from "./equal.ts";
import { type Running, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { expectRefusal, expectStop } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const PAGE = 128; // the default
const SEGMENTS = 4;
/** Pages that a kill costs at most: those since the last save, which comes after 50, and those on their way, in up to 32 writes. */
const AGAIN = 100;

/** Waits until something holds; a run that ends before is an error. */
async function until(holds: () => boolean, running: Running): Promise<void> {
  let ended = false;
  void running.done.finally(() => (ended = true));
  while (!holds()) {
    if (ended) throw new Error(`ended too early: ${JSON.stringify(await running.done)}`);
    await sleep(1);
  }
}

/** Every key is there once, and all indexes. */
async function expectExact(
  s: Scenario,
  collection: string,
  count: number,
  settings: Settings,
): Promise<void> {
  const keys = await s.db.collection(collection).distinct("n");
  expect([await s.db.collection(collection).countDocuments({}), keys.length]).toEqual([count, count]);
  expect(Object.keys(await s.indexes(collection)).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
  await expectVerified(s, count, settings, { only: [collection] });
}

describe.each(["mongodb", "file"])("checkpoint.type = %s", (type) => {
  test("many items, seven kill -9, the last while indexes are built: exact, with few Scans more", async () => {
    await using s = await scenario();
    const count = type === "mongodb" ? 150_000 : 60_000;
    await using source = await startStandIn({ tables: { t: { items: someItems(count) } } });
    let holdIndexes = false;
    await using proxy = await startMongoProxy(s.mongoUri, {
      fate: (command) => (holdIndexes && command === "createIndexes" ? "hold" : "pass"),
    });
    const settings = {
      "source.endpoint_url": source.endpoint,
      "filter.collection.white": "",
      "target.address": proxy.uri,
      "checkpoint.type": type,
      "checkpoint.address": type === "mongodb" ? s.mongoUri : "",
      "full.read.concurrency": SEGMENTS,
      "qps.full.batch_num": PAGE,
      "full.document.write.batch": 512,
    };
    const conf = s.conf(s.settings(settings));
    const start = (): Running => s.start([`-conf=${conf}`]);
    const undisturbed = count / PAGE;

    for (let kill = 1; kill <= 6; kill++) {
      const running = start();
      const upTo = source.count("Scan") + undisturbed * (1 / 8 + Math.random() / 45);
      await until(() => source.count("Scan") >= upTo, running);
      running.kill("SIGKILL");
      expect((await running.done).code).toBe(137);
    }
    // The first createIndexes of a resumed run makes the unique index, the second all of them.
    const running = start();
    const built = proxy.count("createIndexes");
    await until(() => proxy.count("createIndexes") > built, running);
    holdIndexes = true;
    await until(() => proxy.count("createIndexes") > built + 1, running);
    running.kill("SIGKILL");
    await running.done;
    holdIndexes = false;
    const scans = source.count("Scan");
    expect(scans).toBeLessThanOrEqual(undisturbed + 7 * AGAIN);

    const run = await start().done;
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("going on from the checkpoint: 0 of 1 tables done, 1 begun");
    // Indexes are built while the last positions are saved.
    expect(source.count("Scan")).toBeLessThanOrEqual(scans + AGAIN);
    await expectExact(s, "t", count, { ...settings, "qps.full.batch_num": 5000 });
    if (type === "file") expect(existsSync(join(s.folder, "checkpoint-state", s.id))).toBe(true);
  });

  test("several tables: those that are done aren't read again", async () => {
    await using s = await scenario();
    let held = true;
    const tables = Object.fromEntries(
      ["big", "mid", "tiny"].map((name, i) => [name, { items: someItems(300 - i * 100) }]),
    );
    await using source = await startStandIn({
      tables,
      misbehave: ({ operation, body }) =>
        held && operation === "Scan" && body["TableName"] === "tiny" && body["ExclusiveStartKey"]
          ? { delayMs: 30 * SECOND }
          : undefined,
    });
    const settings = few(source, type);
    const conf = s.conf(s.settings({ ...settings, "full.concurrency": 1 }));
    const running = s.start([`-conf=${conf}`]);
    const scansOf = (name: string): number =>
      source.calls.filter(({ operation, body }) => operation === "Scan" && body["TableName"] === name).length;
    await until(() => scansOf("tiny") > 1, running);
    await sleep(300);
    running.kill("SIGKILL");
    await running.done;
    held = false;
    const before = scansOf("big") + scansOf("mid");
    const run = await s.run([`-conf=${conf}`]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("2 of 3 tables done, 1 begun");
    expect(scansOf("big") + scansOf("mid")).toBe(before);
    for (const [name, count] of [
      ["big", 300],
      ["mid", 200],
      ["tiny", 100],
    ] as const)
      await expectExact(s, name, count, settings);
    // A finished run starts afresh, and what is there is somebody's.
    expectRefusal(await s.run([`-conf=${conf}`]), { exit: 2, code: "TARGET_EXISTS", says: ["big"] });
  });

  test("SIGTERM saves: the next start goes on there", async () => {
    await using s = await scenario();
    let slow = true;
    await using source = await startStandIn({
      tables: { t: { items: someItems(500) } },
      misbehave: ({ operation, number }) =>
        slow && operation === "Scan" && number > 20 ? { delayMs: 30 * SECOND } : undefined,
    });
    const settings = few(source, type);
    const conf = s.conf(s.settings(settings));
    const running = s.start([`-conf=${conf}`]);
    await until(() => source.count("Scan") > 20, running);
    const sent = performance.now();
    running.kill("SIGTERM");
    expectStop(await running.done, "SIGTERM");
    expect(performance.now() - sent).toBeLessThan(10 * SECOND);
    slow = false;
    const scans = source.count("Scan");
    const run = await s.run([`-conf=${conf}`]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    // 50 pages in all, of which 20 were read; one was asked for when the signal came.
    expect(source.count("Scan") - scans).toBeLessThanOrEqual(31);
    await expectExact(s, "t", 500, settings);
  });

  test("killed between making the collection and its first page: it is ours, whatever target.db.exist says", async () => {
    await using s = await scenario();
    let held = true;
    await using source = await startStandIn({
      tables: { t: { items: someItems(50) } },
      misbehave: ({ operation }) => (held && operation === "Scan" ? { delayMs: 30 * SECOND } : undefined),
    });
    const settings = few(source, type);
    const conf = s.conf(s.settings(settings));
    const running = s.start([`-conf=${conf}`]);
    await until(() => source.count("Scan") > 0, running);
    running.kill("SIGKILL");
    await running.done;
    held = false;
    expect(await s.run([`-conf=${conf}`])).toMatchObject({ code: 0, stderr: "" });
    await expectExact(s, "t", 50, settings);
  });
});

/** Small pages of one segment from this source. */
function few(source: StandIn, type = "mongodb"): Settings {
  return {
    "source.endpoint_url": source.endpoint,
    "source.session.timeout": 0,
    "filter.collection.white": "",
    "checkpoint.type": type,
    "qps.full.batch_num": 10,
    "full.document.write.batch": 10,
  };
}

describe("an unfinished run", () => {
  /** A run that was killed after some pages, and how the next one goes under other circumstances. */
  async function killed(
    change: (s: Scenario) => Promise<unknown> | unknown,
    settings: Settings,
    args: string[] = [],
  ) {
    const s = await scenario();
    let slow = true;
    await using source = await startStandIn({
      tables: { t: { items: someItems(100) } },
      misbehave: ({ operation, number }) =>
        slow && operation === "Scan" && number > 4 ? { delayMs: 30 * SECOND } : undefined,
    });
    const base = few(source, "file");
    const running = s.start([`-conf=${s.conf(s.settings(base))}`]);
    await until(() => source.count("Scan") > 4, running);
    await sleep(300);
    running.kill("SIGKILL");
    await running.done;
    slow = false;
    await change(s);
    const run = await s.run([`-conf=${s.conf(s.settings({ ...base, ...settings }))}`, ...args]);
    return { s, run, [Symbol.asyncDispose]: () => s[Symbol.asyncDispose]() };
  }

  test.each<[string, Settings]>([
    ["convert.type", { "convert.type": "raw" }],
    ["full.read.concurrency", { "full.read.concurrency": 2 }],
    ["full.read.filter_expression", { "full.read.filter_expression": "attribute_exists(n)" }],
    ["source.region", { "source.region": "eu-west-1" }],
  ])("isn't taken up under another %s", async (key, settings) => {
    await using after = await killed(() => {}, settings);
    expectRefusal(after.run, { exit: 2, code: "CHECKPOINT_MISMATCH", says: [key, "--fresh"] });
  });

  test("--fresh starts over", async () => {
    await using after = await killed(() => {}, { "convert.type": "raw", "target.db.exist": "drop" }, [
      "--fresh",
    ]);
    expect(after.run).toMatchObject({ code: 0, stderr: "" });
    expect(await after.s.db.collection("t").countDocuments({ "pk.S": { $exists: true } })).toBe(100);
  });

  test("isn't taken up when its collection is gone", async () => {
    await using after = await killed((s) => s.db.dropCollection("t"), {});
    expectRefusal(after.run, { exit: 2, code: "CHECKPOINT_MISMATCH", says: ["is gone", "--fresh"] });
  });

  test("isn't taken up when its collection is another", async () => {
    await using after = await killed(async (s) => {
      await s.db.dropCollection("t");
      await s.db.createCollection("t");
    }, {});
    expectRefusal(after.run, {
      exit: 2,
      code: "CHECKPOINT_MISMATCH",
      says: ["is another one now", "--fresh"],
    });
  });

  test("isn't taken up from a damaged checkpoint, which is named", async () => {
    await using after = await killed((s) => {
      const folder = join(s.folder, "checkpoint-state", s.id);
      const name = readdirSync(folder).find((each) => each.startsWith("table"));
      const text = readFileSync(join(folder, name!), "utf8");
      writeFileSync(join(folder, name!), text.slice(0, -20));
    }, {});
    expectRefusal(after.run, { exit: 2, code: "CHECKPOINT_MISMATCH", says: ["table", ".jsonl", "--fresh"] });
  });

  test("keeps no secret in its checkpoint, and takes other credentials", async () => {
    await using after = await killed(
      (s) => {
        const folder = join(s.folder, "checkpoint-state", s.id);
        const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
        const files = entries.filter((each) => each.isFile());
        const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
        expect(texts.join()).not.toContain("hunter22");
      },
      { "source.access_key_id": "other", "source.secret_access_key": "hunter22" },
    );
    expect(after.run).toMatchObject({ code: 0, stderr: "" });
  });
});
