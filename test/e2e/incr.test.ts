/** The incremental phase on real servers: writers all along, kills, both checkpoint types, and NimoShake's checkpoint. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Double } from "mongodb";
import { expectEqual } from "./equal.ts";
import { dynamo, scenario, someItems } from "./helpers.ts";
import type { Attributes, Running, Scenario, Settings } from "./helpers.ts";
import { leaveNimoShake } from "./nimoshake-left.ts";
import { expectRefusal, expectStop } from "./refusals.ts";
import { enableStream, readAll, shardRow, startWriter } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

const endless: Settings = { sync_mode: "all", "incr_sync.http_port": -1 };

async function end(run: Running): Promise<void> {
  const sent = performance.now();
  run.kill("SIGTERM");
  expectStop(await run.done, "SIGTERM");
  expect(performance.now() - sent).toBeLessThan(10 * SECOND);
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30 * SECOND;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("never came that far");
    await sleep(20);
  }
}

describe("sync_mode = all", () => {
  test.concurrent.each([
    ["mongodb", false],
    ["file", false],
    ["mongodb", true],
  ])(
    "a writer throughout, three kill -9, checkpoint.type = %s, incr_sync_parallel = %p: both sides equal, key by key",
    async (type, parallel) => {
      await using s = await scenario();
      const tables = [
        await s.table("a", { items: someItems(1500) }),
        await s.table("b", { items: someItems(300) }),
      ];
      const settings = {
        ...endless,
        incr_sync_parallel: parallel,
        "checkpoint.type": type,
        "checkpoint.address": type === "file" ? "./positions" : "",
        // slow enough to be killed within the full phase, too
        "qps.full": 20,
      };
      const start = (): Running => s.start([`-conf=${s.conf(s.settings(settings))}`]);
      const writers = tables.map((table, i) => startWriter(s.dynamoEndpoint, table, 700, 11 + i));
      try {
        const kills: (() => Promise<unknown>)[] = [
          () => until(async () => (await s.db.collection(tables[0]!).countDocuments()) > 300),
          () => sleep(2500),
          () => sleep(1700),
        ];
        for (const moment of kills) {
          const run = start();
          await moment();
          run.kill("SIGKILL");
          expect((await run.done).code).not.toBe(0);
        }
        const run = start();
        await sleep(2 * SECOND);
        await until(() => writers[0]!.writes() > 100);
        await Promise.all(writers.map((writer) => writer.stop()));
        await expectEqual(s, tables, settings);
        await end(run);
      } finally {
        await Promise.all(writers.map((writer) => writer.stop()));
      }
    },
  );

  test("full sync done! comes at the end of the full phase; SIGTERM saves; the next start reads no table again", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(50) });
    const conf = s.conf(s.settings({ ...endless, "log.level": "debug" }));
    const first = s.start([`-conf=${conf}`]);
    await until(async () => (await s.db.collection(table).countDocuments()) === 50);
    await put(s, table, "new");
    await until(async () => (await s.db.collection(table).countDocuments({ pk: "new" })) === 1);
    await end(first);
    expect((await first.done).stdout).toContain("full sync done!");

    await put(s, table, "meanwhile");
    const second = s.start([`-conf=${conf}`]);
    await until(async () => (await s.db.collection(table).countDocuments({ pk: "meanwhile" })) === 1);
    await end(second);
    const again = (await second.done).stdout;
    expect(again).not.toContain("start syncing table");
    // it was said, and nothing was copied
    expect(again).not.toContain("full sync done!");
    expect(again).not.toContain("items/s");
    await expectEqual(s, [table], endless);
  });
});

async function put(s: Scenario, table: string, key: string, more: Attributes = {}): Promise<void> {
  await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: key }, ...more } });
}

test("a table that was quiet for a while: its first change arrives", async () => {
  await using s = await scenario();
  const tables = [await s.table("a", { items: someItems(5) }), await s.table("b", { items: someItems(5) })];
  const run = s.start([`-conf=${s.conf(s.settings(endless))}`]);
  await until(async () => Object.keys(await s.indexes(tables[1]!).catch(() => ({}))).length === 2);
  await sleep(4 * SECOND);
  for (const table of tables) {
    await put(s, table, "new");
    await until(async () => (await s.db.collection(table).countDocuments({ pk: "new" })) === 1);
  }
  await end(run);
});

test("sync_mode = incr follows from now, and from its checkpoint after that", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(5) });
  const conf = s.conf(s.settings({ ...endless, sync_mode: "incr" }));
  const first = s.start([`-conf=${conf}`]);
  // When its now was, nobody is told; and what doesn't change an item is in no stream.
  let n = 0;
  await until(async () => {
    await put(s, table, "one", { n: { N: String(n++) } });
    return (await s.db.collection(table).countDocuments({ pk: "one" })) === 1;
  });
  await end(first);
  await put(s, table, "two");
  const second = s.start([`-conf=${conf}`]);
  await until(async () => (await s.db.collection(table).countDocuments({ pk: "two" })) === 1);
  await end(second);
  expect(await s.db.collection(table).countDocuments()).toBe(2);
  // What was there before isn't followed.
  const { tables, isDifferent } = await s.verify({ ...endless, sync_mode: "incr" });
  expect([isDifferent, tables.get(table)]).toEqual([true, expect.objectContaining({ equal: 2, missing: 5 })]);
});

describe("a checkpoint as NimoShake leaves it", () => {
  test.each(["mongodb", "file"] as const)("%s: goes on without a Scan", async (type) => {
    await using s = await scenario();
    const table = await s.table("t", { items: [] });
    const stream = await enableStream(s.dynamoEndpoint, table);
    for (let n = 0; n < 10; n++) await put(s, table, `k${n}`, { n: { N: String(n) } });
    const records = await readAll(s.dynamoEndpoint, stream);
    // NimoShake had applied five of them, as doubles
    const row = shardRow(records, 4);
    const folder = join(s.folder, `${s.id}-checkpoint`);
    await leaveNimoShake(s, table, row, { where: type });
    await s.db.collection(table).createIndex({ pk: 1 }, { unique: true });
    await s.db.collection(table).createIndex({ pk: "hashed" });
    await s.db.collection(table).insertMany([0, 1, 2, 3, 4].map((n) => ({ pk: `k${n}`, n: new Double(n) })));

    const settings = { ...endless, "checkpoint.type": type };
    const other = await s.cli({ ...settings, "convert.type": "change" });
    expectRefusal(other, {
      exit: 2,
      code: "CHECKPOINT_MISMATCH",
      says: ["convert.type = mchange", `table ${table}`],
    });

    const run = s.start([`-conf=${s.conf(s.settings(settings))}`]);
    await until(async () => (await s.db.collection(table).countDocuments()) === 10);
    await sleep(SECOND);
    await end(run);
    const { stdout } = await run.done;
    expect(stdout).toContain("going on from the checkpoint of NimoShake");
    expect(stdout).not.toContain("start syncing table");
    expect(stdout).not.toContain("full sync done!");
    await expectEqual(s, [table], settings);
    expect(await s.db.collection(table).countDocuments({ n: { $type: "double" } })).toBe(10);
    // and the other way round: the layout is NimoShake's still
    const saved =
      type === "file"
        ? (JSON.parse(readFileSync(join(folder, table), "utf8").trim()) as object)
        : await s.client
            .db(`${s.id}-checkpoint`)
            .collection(table)
            .findOne({}, { projection: { _id: 0 } });
    expect(saved).toEqual({
      ...row,
      SequenceNumber: records.numbers[9]!,
      UpdateDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      ApproximateTime: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/),
    });
  });
});
