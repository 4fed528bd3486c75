/** A run that is steered while it goes on, on real servers: pause, settings, switch-over. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type ConfigInput, migrate, type SwitchoverWaiting } from "nimo-shake";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createRunControl } from "../../core/run/steering.ts";
import { startStreams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, someItems } from "./helpers.ts";
import { change, expectedOf, follow, foundAt, randomOf } from "./streams.ts";
import { itemsByKey, startWriter } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

const config = (s: Scenario, more: ConfigInput = {}): ConfigInput => ({
  ...(s.settings({ sync_mode: "all" }) as ConfigInput),
  ...more,
});

/** Keys and numbers on both sides. */
async function bothSides(s: Scenario, table: string): Promise<{ source: string[]; target: string[] }> {
  const source = [...(await itemsByKey(s.dynamoEndpoint, table)).values()].map(
    ({ pk, n }) => `${(pk as { S: string }).S} ${(n as { N: string }).N}`,
  );
  const documents = await s.db.collection(table).find().toArray();
  return { source: source.sort(), target: documents.map(({ pk, n }) => `${pk} ${n}`).sort() };
}

async function expectEqual(s: Scenario, table: string): Promise<void> {
  const { source, target } = await bothSides(s, table);
  expect(target).toEqual(source);
}

const put = (s: Scenario, TableName: string, pk: string, n: number): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "PutItem", { TableName, Item: { pk: { S: pk }, n: { N: String(n) } } });

test.concurrent("paused, nothing is read or written, whoever writes at the source; then it goes on to a switch-over", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(300) });
  const run = migrate({ config: config(s, { "qps.full": 20, "qps.full.batch_num": 10 }) });
  const counts = (): unknown[] =>
    run.status().tables.map(({ read, written, stream }) => [read, written, stream?.read]);
  const collection = s.db.collection(table);
  await eventually(() => expect(run.status().tables[0]?.read).toBeGreaterThan(20));
  await run.pause();
  const copied = await collection.countDocuments();
  expect(run.status()).toMatchObject({
    paused: true,
    phase: "full",
    tables: [{ read: copied, written: copied }],
  });
  const before = counts();
  await sleep(SECOND);
  expect(counts()).toEqual(before);
  expect(await collection.countDocuments()).toBe(copied);
  await run.set({ "qps.full": 10_000, "qps.full.batch_num": "1000" });
  run.resume();
  const writer = startWriter(s.dynamoEndpoint, table, 200, 5);
  try {
    await eventually(() => expect(run.status().tables[0]?.stream?.read).toBeGreaterThan(20));
    await run.pause();
    const still = [counts(), await collection.find().toArray()];
    expect(run.status().switchOver.good).toBe(false);
    const writes = writer.writes();
    await eventually(() => expect(writer.writes()).toBeGreaterThan(writes + 50));
    expect([counts(), await collection.find().toArray()]).toEqual(still);
    await expect(run.switchover({ timeout: 1000 })).rejects.toMatchObject({ code: "NOT_SWITCHED" });
  } finally {
    await writer.stop();
  }
  run.resume();
  const stages: SwitchoverWaiting["stage"][] = [];
  const asked = Date.now();
  const switching = run.switchover({
    timeout: 60 * SECOND,
    verify: "all",
    onWaiting: ({ stage }) => stages.push(stage),
  });
  await expect(run.switchover()).rejects.toMatchObject({ code: "NOT_SWITCHED" });
  const { outcome, at, changesAfter, verdict } = await switching;
  expect([outcome, changesAfter, verdict?.isDifferent]).toEqual(["done", 0, false]);
  expect(Math.abs(Date.parse(at) - asked)).toBeLessThan(SECOND);
  expect([...new Set(stages)]).toEqual(["catching up", "comparing", "ending"]);
  expect(await run).toMatchObject({ stopped: false, tables: [{ state: "following" }] });
  await expectEqual(s, table);
  await expect(run.pause()).rejects.toMatchObject({ code: "NOT_RUNNING" });

  // A later start goes on from there; a writer doesn't keep a switch-over from its end, and is counted.
  await put(s, table, "between", 1);
  const refused = { code: "SWITCHED_OVER", exit: 2 };
  await expect(Promise.resolve(migrate({ config: config(s) }))).rejects.toMatchObject(refused);
  const later = migrate({ config: config(s), again: true });
  const busy = startWriter(s.dynamoEndpoint, table, 200, 9);
  try {
    const second = await later.switchover({ timeout: 60 * SECOND });
    expect(second.outcome).toBe("done");
    expect(second.changesAfter).toBeGreaterThan(0);
  } finally {
    await busy.stop();
  }
  expect((await later).changes.read).toBeGreaterThan(0);
  expect(await collection.countDocuments({ pk: "between" })).toBe(1);
  const last = migrate({ config: config(s), again: true });
  expect((await last.switchover()).outcome).toBe("done");
  expect(await last).toMatchObject({ stopped: false });
  await expectEqual(s, table);
});

test.concurrent("a switch-over that isn't done in time, is given up, or finds a difference: the run goes on", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(30) });
  const run = migrate({ config: config(s, { "qps.full": 2, "qps.full.batch_num": 3 }) });
  const early = await run.switchover({ timeout: 300 });
  expect(early).toMatchObject({ outcome: "timeout", waitedFor: { stage: "copying" } });
  const giveUp = new AbortController();
  const given = run.switchover({ signal: giveUp.signal });
  giveUp.abort();
  expect((await given).outcome).toBe("aborted");
  await run.set({ "qps.full": 10_000 });
  await eventually(() => expect(run.status().switchOver.good).toBe(true));
  // What no item can have needs no second look.
  await s.db.collection<{ pk: number }>(table).insertOne({ pk: 7 });
  const different = await run.switchover({ verify: "all" });
  expect(different).toMatchObject({ outcome: "different", verdict: { isDifferent: true, faults: 1 } });
  rmSync(different.verdict!.path);
  expect(run.status()).toMatchObject({ phase: "incr", paused: false });
  await put(s, table, "later", 7);
  await eventually(async () => expect(await s.db.collection(table).countDocuments({ pk: "later" })).toBe(1));
  run.stop();
  expect(await run).toMatchObject({ stopped: true });
});

test.concurrent("with sync_mode = full nothing is switched over, what can't be set says so, and speeds change while it runs", async () => {
  await using s = await scenario();
  await s.table("t", { items: someItems(60) });
  let requests = 0;
  const run = migrate({
    config: config(s, { sync_mode: "full", "qps.full": 1, "qps.full.batch_num": 1 }),
    hooks: { "fetch:before": () => void requests++ },
  });
  await expect(run.switchover()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(run.set({ "qps.full": 5, id: "other" })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: "id can't be changed while it runs",
  });
  await run.set({ "qps.full": 1000, "qps.full.batch_num": 20, "full.concurrency": 8 });
  expect((await run).written).toBe(60);
  // One by one it would have been as many as there are items.
  expect(requests).toBeLessThan(20);
});

test.concurrent("over streams that split, come late and answer little: what a switch-over says is so, in one run after the other", async () => {
  await using s = await scenario();
  const options = { tables: ["t"], emptyEvery: 3, childrenAfter: 700, page: 3 } as const;
  await using streams = await startStreams({ ...options, tables: [...options.tables] });
  const random = randomOf(17);
  change(streams, random, 100);
  for (let round = 0; round < 2; round++) {
    const control = createRunControl();
    const run = follow(s, streams, {}, { control, again: round > 0 });
    await eventually(() => expect(streams.source.count("GetRecords")).toBeGreaterThan(0));
    if (round === 1) {
      // For so long that no iterator works any more, and shards have ended.
      await control.pause();
      const asked = streams.source.count("GetRecords");
      streams.expire();
      change(streams, random, 50);
      await sleep(500);
      expect(streams.source.count("GetRecords")).toBe(asked);
      control.resume();
    }
    // A split just before the command, and one while it is waited for.
    for (const shard of streams.open("t")) if (random(2) === 0) streams.split("t", shard, 1 + random(2));
    change(streams, random, 100);
    const switching = control.switchover({ timeout: 60_000 });
    const [first] = streams.open("t");
    setTimeout(() => streams.split("t", first!), 1000);
    expect((await switching).outcome).toBe("done");
    expect((await run.done).code).toBe(0);
    expect(await foundAt(s)).toEqual(expectedOf(streams));
    change(streams, random, 20);
  }
});
