/** Tables that appear while others are followed, and tables that are deleted then, on real servers. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCheck } from "../../core/check/check.ts";
import type { Plan } from "../../core/check/plan.ts";
import { loadConfig } from "../../core/config/load.ts";
import type { Progress } from "../../core/progress/progress.ts";
import { createRunControl } from "../../core/run/steering.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { expectEqual } from "./equal.ts";
import { eventually } from "./eventually.ts";
import { dynamo, type Outcome, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import { startWriter } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

/** All of a scenario's tables, those too that are made later. */
const settingsOf = (s: Scenario, more: Settings = {}): Settings => ({
  sync_mode: "all",
  "incr_sync.http_port": -1,
  "increase.new_tables": 1,
  "filter.collection.white": `*.${s.id}`,
  ...more,
});

const inFiles = (s: Scenario): Settings => ({
  "checkpoint.type": "file",
  "checkpoint.address": join(s.folder, "positions"),
});

const put = (s: Scenario, TableName: string, pk: string): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "PutItem", { TableName, Item: { pk: { S: pk } } });

const remove = (s: Scenario, TableName: string): Promise<unknown> =>
  dynamo(s.dynamoEndpoint, "DeleteTable", { TableName });

/** Makes a table whose name was another one's. */
async function makeAgain(s: Scenario, TableName: string, keys: string[], key = "pk"): Promise<void> {
  await dynamo(s.dynamoEndpoint, "CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
    KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
  });
  for (const each of keys)
    await dynamo(s.dynamoEndpoint, "PutItem", { TableName, Item: { [key]: { S: each } } });
}

/** What `check` says of the next start. */
async function checked(s: Scenario): Promise<Plan> {
  const set = Object.entries(s.settings(settingsOf(s))).map(([key, value]) => [key, `${value}`]);
  return runCheck({ builtins: builtinPlugin, config: loadConfig({ set: Object.fromEntries(set) }).config });
}

const count = (s: Scenario, table: string): Promise<number> => s.db.collection(table).countDocuments();

/** A run in this process that goes on until it is stopped. */
function follow(s: Scenario, more: Settings = {}, plugins: Plugin[] = [], again = false) {
  const stop = new AbortController();
  const control = createRunControl();
  const copied = Promise.withResolvers<void>();
  let dones = 0;
  let progress: Progress | undefined;
  const done: Promise<Outcome> = s.attempt(settingsOf(s, more), {
    control,
    plugins,
    again,
    signal: stop.signal,
    patience: 8 * SECOND,
    onRoles: (ctx) => void (progress = ctx.progress),
    onFullDone() {
      dones++;
      copied.resolve();
    },
  });
  return {
    done,
    control,
    copied: Promise.race([copied.promise, done]),
    dones: () => dones,
    state: (table: string) => progress?.tables.get(table)?.state,
    leftOut: () => progress?.leftOut ?? new Map(),
    async stop(): Promise<Outcome> {
      stop.abort(new Error("enough"));
      return done;
    },
  };
}

test.concurrent.each(["mongodb", "file"])(
  "a new table is copied and followed, with a writer all along, and is switched over with the others: checkpoint.type = %s",
  async (type) => {
    await using s = await scenario();
    const old = await s.table("old", { items: someItems(20) });
    const more = type === "file" ? inFiles(s) : {};
    const run = follow(s, more);
    await run.copied;
    const added = await s.table("added", { items: someItems(300) });
    const writers = [startWriter(s.dynamoEndpoint, old, 40, 3), startWriter(s.dynamoEndpoint, added, 400, 5)];
    await eventually(() => expect(run.state(added)).toBe("following"));
    await sleep(SECOND);
    await Promise.all(writers.map((writer) => writer.stop()));
    const { outcome, verdict } = await run.control.switchover({ timeout: 60 * SECOND, verify: "all" });
    expect([outcome, verdict?.isDifferent]).toEqual(["done", false]);
    expect([...verdict!.tables.keys()].sort()).toEqual([added, old].sort());
    expect((await run.done).code).toBe(0);
    expect(run.dones()).toBe(1);
    expect(Object.keys(await s.indexes(added)).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
    await expectEqual(s, [old, added], settingsOf(s, more));
  },
);

test.concurrent.each(["mongodb", "file"])(
  "killed in the midst of its copy, the next start goes on with it: checkpoint.type = %s",
  async (type) => {
    await using s = await scenario();
    const old = await s.table("old", { items: someItems(20) });
    const slow = { "qps.full": 20, "qps.full.batch_num": 10, "log.level": "debug" };
    const settings = settingsOf(s, { ...slow, ...(type === "file" && inFiles(s)) });
    const conf = s.conf(s.settings(settings));
    const first = s.start([`-conf=${conf}`]);
    await eventually(async () => expect(await count(s, old)).toBe(20));
    await sleep(SECOND);
    const added = await s.table("added", { items: someItems(600) });
    await eventually(async () => expect(await count(s, added)).toBeGreaterThan(200));
    first.kill("SIGKILL");
    await first.done;
    expect(await count(s, added)).toBeLessThan(600);
    const writer = startWriter(s.dynamoEndpoint, added, 700, 7);
    const second = s.start([`-conf=${conf}`]);
    try {
      await eventually(async () => expect(await count(s, added)).toBeGreaterThan(400));
    } finally {
      await writer.stop();
    }
    await expectEqual(s, [old, added], settings);
    second.kill("SIGTERM");
    const { stdout } = await second.done;
    expect(stdout).toContain("going on from the checkpoint: 1 of 1 tables done");
    expect(stdout).toContain(`these join when the others are followed: ${added}`);
    // An earlier start has said so.
    expect(stdout).not.toContain("full sync done!");
    const report = JSON.parse(readFileSync(join(s.folder, `${s.id}-report.json`), "utf8")) as {
      tables: { name: string; resumed: boolean; thisProcess: { read: number } }[];
    };
    const of = report.tables.find(({ name }) => name === added)!;
    expect([of.resumed, of.thisProcess.read < 500]).toEqual([true, true]);
  },
);

test.concurrent.each(["", "drop", "rename"])(
  "what refuses a new table ends no other: it is said, counted, and tried again; target.db.exist = %j",
  async (exist) => {
    await using s = await scenario();
    const old = await s.table("old", { items: someItems(5) });
    const run = follow(s, { "target.db.exist": exist });
    await run.copied;
    const name = `added.${s.id}`;
    await s.db.collection(name).insertOne({ somebody: "else's" });
    await s.table("added", { items: someItems(10) });
    await eventually(() => expect(run.leftOut().get(name)).toMatchObject({ code: "TARGET_EXISTS" }));
    expect(run.state(name)).toBeUndefined();
    await put(s, old, "later");
    await eventually(async () => expect(await count(s, old)).toBe(6));
    // Nothing of somebody else's is touched.
    expect(await s.db.collection(name).find().toArray()).toMatchObject([{ somebody: "else's" }]);
    expect(await s.collections()).toEqual([name, old].sort());
    await s.db.collection(name).drop();
    await eventually(() => expect(run.state(name)).toBe("following"));
    expect(run.leftOut().size).toBe(0);
    await expectEqual(s, [old, name], settingsOf(s));
    expect((await run.stop()).stderr).toContain("enough");
  },
);

test.concurrent.each(["never begun", "half copied"])(
  "what left a new table out refuses no later start, which follows the others and tries it again: %s",
  async (when) => {
    await using s = await scenario();
    const old = await s.table("old", { items: someItems(5) });
    const name = `added.${s.id}`;
    let isBad = true;
    const picky: Plugin = {
      name: "picky",
      keepsKeys: true,
      setup(ctx) {
        ctx.hook("index:before", ({ table }) => {
          if (table.name === name && isBad) throw new Error("not this one");
        });
      },
    };
    const plugins = when === "half copied" ? [picky] : [];
    const code = when === "half copied" ? "HOOK_FAILED" : "TARGET_EXISTS";
    const run = follow(s, {}, plugins);
    await run.copied;
    if (when === "never begun") await s.db.collection(name).insertOne({ somebody: "else's" });
    await s.table("added", { items: someItems(10) });
    await eventually(() => expect(run.leftOut().get(name)).toMatchObject({ code }));
    await run.stop();
    if (when === "never begun") {
      const plan = await checked(s);
      expect([plan.start.refused, plan.start.does, plan.problems]).toEqual([false, "go on", []]);
      expect(plan.warnings.join()).toContain(`${name} is left out until this is mended`);
      expect(plan.tables.find((table) => table.name === name)).toMatchObject({ action: "copy" });
    }

    const next = follow(s, {}, plugins);
    await put(s, old, "later");
    await eventually(async () => expect(await count(s, old)).toBe(6));
    await eventually(() => expect(next.leftOut().get(name)).toMatchObject({ code }));
    if (when === "never begun") await s.db.collection(name).drop();
    isBad = false;
    await eventually(() => expect(next.state(name)).toBe("following"));
    await expectEqual(s, [old, name], settingsOf(s));
    await next.stop();
  },
);

test.concurrent("plugins see new tables as they see those of the start, and may leave them out", async () => {
  await using s = await scenario();
  const old = await s.table("old", { items: someItems(5) });
  const seen: string[][] = [];
  const choosy: Plugin = {
    name: "choosy",
    keepsKeys: true,
    setup(ctx) {
      ctx.hook("setup", (event) => {
        seen.push(event.tables.map(({ name }) => name).sort());
        event.tables = event.tables.filter(({ name }) => !name.startsWith("not"));
      });
      ctx.hook("table:before", ({ table }) => void (table.targetName = `x-${table.name}`));
    },
  };
  const run = follow(s, {}, [choosy]);
  await run.copied;
  const not = await s.table("not", { items: someItems(5) });
  const added = await s.table("added", { items: someItems(5) });
  await eventually(() => expect(run.state(added)).toBe("following"));
  await sleep(2 * SECOND);
  await run.stop();
  expect(seen[0]).toEqual([old]);
  expect(seen.at(-1)).toEqual([added, not, old].sort());
  // It isn't asked about again and again.
  expect(seen.length).toBeLessThanOrEqual(3);
  expect(await s.collections()).toEqual([`x-${added}`, `x-${old}`]);
});

test.concurrent.each<["fail" | "resync", "mongodb" | "file"]>([
  ["fail", "mongodb"],
  ["resync", "file"],
])(
  "a table that is deleted while it is followed ends with a warning, and the others go on: on_gap = %s, checkpoint.type = %s",
  async (on_gap, type) => {
    await using s = await scenario();
    const [gone, stays] = [
      await s.table("gone", { items: someItems(20) }),
      await s.table("stays", { items: someItems(20) }),
    ];
    const more = { on_gap, ...(type === "file" && inFiles(s)) };
    const run = follow(s, more);
    await run.copied;
    await put(s, gone, "last");
    await remove(s, gone);
    await eventually(() => expect(run.state(gone)).toBe("deleted"));
    expect(await count(s, gone)).toBe(21);
    await put(s, stays, "later");
    const { outcome } = await run.control.switchover({ timeout: 60 * SECOND });
    expect(outcome).toBe("done");
    expect(await count(s, stays)).toBe(21);
    expect((await run.done).code).toBe(0);
    // The next start knows that it was there.
    const next = follow(s, more, [], true);
    await next.copied;
    await eventually(() => expect(next.state(stays)).toBe("following"));
    expect(next.state(gone)).toBeUndefined();
    await next.stop();
  },
);

test.concurrent("the next start refuses one that was deleted and is named in the white list, and goes on without it", async () => {
  await using s = await scenario();
  const [gone, stays] = [
    await s.table("gone", { items: someItems(20) }),
    await s.table("stays", { items: someItems(20) }),
  ];
  const named = { "filter.collection.white": `${gone};${stays}` };
  const run = follow(s, named);
  await run.copied;
  await remove(s, gone);
  await eventually(() => expect(run.state(gone)).toBe("deleted"));
  await run.stop();
  expectRefusal(await follow(s, named).done, { exit: 2, code: "TABLE_MISSING", says: [gone] });
  const next = follow(s, { "filter.collection.white": stays });
  await next.copied;
  await put(s, stays, "later");
  await eventually(async () => expect(await count(s, stays)).toBe(21));
  await next.stop();
});

test.concurrent("the last table that is deleted ends the run, which has nothing to do any more", async () => {
  await using s = await scenario();
  const gone = await s.table("gone", { items: someItems(20) });
  const run = follow(s);
  await run.copied;
  await remove(s, gone);
  expectRefusal(await run.done, { exit: 1, code: "SOURCE_GONE", says: [gone, "deleted"] });
});

test.concurrent.each<["fail" | "resync"]>([["resync"], ["fail"]])(
  "one that is deleted, and made anew when its end was seen, is a gap: on_gap = %s",
  async (on_gap) => {
    await using s = await scenario();
    const [table, stays] = [
      await s.table("t", { items: someItems(20) }),
      await s.table("stays", { items: someItems(5) }),
    ];
    const run = follow(s, { on_gap });
    await run.copied;
    await remove(s, table);
    await eventually(() => expect(run.state(table)).toBe("deleted"));
    await makeAgain(s, table, ["new1", "new2"]);
    if (on_gap === "fail") {
      expectRefusal(await run.done, { exit: 1, code: "STREAM_GAP", says: [table, "made anew"] });
      expect(await count(s, table)).toBe(20);
      return;
    }
    await eventually(async () => expect(await count(s, table)).toBe(2));
    await eventually(() => expect(run.state(table)).toBe("following"));
    await put(s, table, "newest");
    await expectEqual(s, [table, stays], settingsOf(s, { on_gap }));
    await run.stop();
  },
);

test.concurrent("with sync_mode = incr a new table isn't followed from somewhere, and that is said", async () => {
  await using s = await scenario();
  const old = await s.table("old", { items: someItems(5) });
  const run = follow(s, { sync_mode: "incr" });
  await eventually(() => expect(run.state(old)).toBe("following"));
  const added = await s.table("added", { items: someItems(5) });
  await eventually(() => expect(run.leftOut().get(added)?.message).toContain("sync_mode = incr"));
  await run.stop();
  expect(await s.collections()).not.toContain(added);
});
