/** `verify` beside a run that follows, and killed on its way. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dynamo, type Outcome, type Running, scenario, type Scenario, someItems } from "./helpers.ts";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { expectStop } from "./refusals.ts";
import { startWriter } from "./writer.ts";

setDefaultTimeout(180_000);

const endless = { sync_mode: "all", "incr_sync.http_port": -1 };

function startVerify(s: Scenario, changes: Record<string, string | number>, args: string[] = []): Running {
  return s.start(["verify", "-c", s.conf(s.settings({ ...endless, ...changes })), "--json", ...args]);
}

function counts({ stdout }: Outcome): Record<string, number> {
  return JSON.parse(stdout) as Record<string, number>;
}

async function end(run: Running): Promise<void> {
  run.kill("SIGTERM");
  expectStop(await run.done, "SIGTERM");
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("never came that far");
    await sleep(20);
  }
}

test("with a writer and a run that follows nothing is different; a document tampered with is", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(500) });
  const run = s.start([`-conf=${s.conf(s.settings(endless))}`]);
  await until(async () => (await s.db.collection(table).countDocuments({})) >= 400);
  const writer = startWriter(s.dynamoEndpoint, table, 400, 7);
  try {
    await until(() => writer.writes() > 100);
    // A table that is still copied isn't compared.
    await until(
      async () => !(await startVerify(s, {}, ["--count-only"]).done).stderr.includes("still copying"),
    );
    for (let round = 0; round < 3; round++) {
      const outcome = await startVerify(s, {}, ["--settle", "200ms"]).done;
      expect([outcome.code, outcome.stderr]).toEqual([0, expect.not.stringContaining("error")]);
      expect(counts(outcome)).toMatchObject({ different: 0, missing: 0, extra: 0, undecided: 0 });
    }
    // Of a key that the writer leaves alone.
    const { modifiedCount } = await s.db
      .collection(table)
      .updateOne({ pk: { $nin: Array.from({ length: 400 }, (_, i) => `k${i}`) } }, { $set: { planted: 1 } });
    expect(modifiedCount).toBe(1);
    const found = await startVerify(s, {}, ["--settle", "200ms"]).done;
    expect([found.code, counts(found)["different"]]).toEqual([3, 1]);
    const lines = readFileSync(join(s.folder, `${s.id}-diff.jsonl`), "utf8")
      .trim()
      .split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { path: string }).path)).toEqual(["planted"]);
    const refused = await startVerify(s, {}, ["--repair"]).done;
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("ALREADY_RUNNING")]);
  } finally {
    await writer.stop();
  }
  await end(run);
  const repaired = await startVerify(s, {}, ["--repair", "--settle", "0"]).done;
  expect(repaired.code).toBe(0);
  // What the run hadn't applied yet when it was stopped is repaired, too.
  expect(counts(repaired)["repaired"]).toBeGreaterThanOrEqual(1);
});

test("beside a run at rest a difference is certain at once", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(20) });
  const run = s.start([`-conf=${s.conf(s.settings(endless))}`]);
  const args = ["status", "-c", s.conf(s.settings(endless)), "--json"];
  await until(async () => (await s.start(args).done).stdout.includes(`"switchOver":{"good":true`));
  await s.db.collection(table).deleteOne({ pk: "k1" });
  const begun = Date.now();
  const found = await startVerify(s, {}, ["--settle", "100ms"]).done;
  expect([found.code, counts(found)]).toEqual([3, expect.objectContaining({ missing: 1, equal: 19 })]);
  // By itself a run at rest notes after 10 s or later up to when all is applied, and three such notes are waited for.
  expect(Date.now() - begun).toBeLessThan(15_000);
  await end(run);
});

test("killed three times it goes on where it was: hardly a page of the source's is read twice", async () => {
  await using s = await scenario();
  const pages = 1000;
  let scans = 0;
  let isSlow = false;
  await using source = await startStandIn({
    tables: { t: { items: someItems(pages * 5) } },
    misbehave({ operation }) {
      if (operation === "Scan") scans++;
      return operation === "Scan" && isSlow ? { delayMs: 8 } : undefined;
    },
  });
  const changes = {
    sync_mode: "full",
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "t",
    "qps.full.batch_num": 5,
    "checkpoint.type": "file",
    "checkpoint.address": "checkpoint",
  };
  expect(await s.cli(changes)).toMatchObject({ code: 0 });
  scans = 0;
  isSlow = true;
  for (const at of [0.25, 0.5, 0.75]) {
    const run = startVerify(s, changes);
    await until(() => scans > at * pages);
    run.kill("SIGKILL");
    await run.done;
  }
  const stopped = startVerify(s, changes);
  await until(() => scans > 0.85 * pages);
  stopped.kill("SIGTERM");
  expect((await stopped.done).code).toBe(143);
  const last = await startVerify(s, changes).done;
  expect(last.code).toBe(0);
  expect(counts(last)).toMatchObject({ compared: pages * 5, equal: pages * 5 });
  expect(scans / pages).toBeLessThan(1.15);
});

test("--follow finds changes that nobody applies, until it is stopped", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(50) });
  const run = s.start([`-conf=${s.conf(s.settings(endless))}`]);
  await until(async () => (await s.db.collection(table).countDocuments({})) >= 50);
  await sleep(1000);
  await end(run);
  const put = (pk: string): Promise<unknown> =>
    dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: pk } } });
  /** Until it ends what it has found is in a file of its own. */
  const found = (count: number): Promise<void> =>
    until(() => {
      const [begun] = readdirSync(s.folder).filter((name) => name.endsWith(".part"));
      return begun !== undefined && readFileSync(join(s.folder, begun), "utf8").split("\n").length > count;
    });
  await put("before");
  const following = startVerify(s, {}, ["--follow", "--settle", "100ms"]);
  // All was read once by then.
  await found(1);
  for (const n of [1, 2, 3]) await put(`new${n}`);
  await found(4);
  following.kill("SIGINT");
  const outcome = await following.done;
  expect([outcome.code, counts(outcome)]).toEqual([3, expect.objectContaining({ missing: 4, equal: 50 })]);
  const equal = startVerify(s, {}, ["--follow"]);
  await sleep(500);
  equal.kill("SIGTERM");
  expect((await equal.done).code).toBe(143);
});
