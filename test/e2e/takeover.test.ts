/** Taking over from NimoShake, and going on from one's own: at once, or begun again. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { startStreams } from "../stand-in/streams.ts";
import { eventually } from "./eventually.ts";
import { scenario, type Scenario } from "./helpers.ts";
import { keptCheckpoint, type Kept, leaveOriginal } from "./kept.ts";
import { expectRefusal } from "./refusals.ts";
import { change, expectModel, follow, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const TABLES = ["t", "u"];
const drop = { "target.db.exist": "drop", "convert.type": "mchange" };
/** What ends a run that goes on until it is stopped. */
const STOPPED = "Error: enough";

/** Starts, and stops once the run is followed, or has ended by itself. */
async function start(
  s: Scenario,
  streams: Parameters<typeof follow>[1],
  plugins: Plugin[],
  fresh = false,
  white = "",
): Promise<{ code: number; stderr: string }> {
  const followed = Promise.withResolvers<void>();
  const settings = { ...drop, "filter.collection.white": white };
  const run = follow(s, streams, settings, { plugins, fresh, onFullDone: () => followed.resolve() });
  await Promise.race([followed.promise, run.done]);
  await run.stop();
  return run.done;
}

/** What was NimoShake's is there still, in every table. */
async function expectTheirs(s: Scenario): Promise<void> {
  for (const table of TABLES) expect(await s.db.collection(table).countDocuments({ pk: "theirs" })).toBe(1);
}

test("cut off at any save, with target.db.exist = drop: the next start drops nothing and goes on", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: TABLES });
  const kept = keptCheckpoint();
  let died = 0;
  for (const nth of [1, 2, 3, 5]) {
    await leaveOriginal(s, streams, TABLES, kept);
    kept.failAt(nth);
    const { stderr } = await start(s, streams, [kept.plugin]);
    if (stderr.includes("killed here")) died++;
    kept.failAt(0);
    expect((await start(s, streams, [kept.plugin])).stderr).toContain(STOPPED);
    await expectTheirs(s);
  }
  expect(died).toBeGreaterThan(2);
  expect(streams.source.count("Scan")).toBe(0);
});

test("a failure that an error hook wants tried again, at any save: nothing is dropped", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: TABLES });
  const kept = keptCheckpoint();
  const again: Plugin = {
    name: "again",
    setup: (ctx) => ctx.hook("error", (event) => void (event.action = "retry")),
  };
  for (const nth of [1, 2, 3, 5]) {
    await leaveOriginal(s, streams, TABLES, kept);
    kept.failAt(nth, true);
    await start(s, streams, [kept.plugin, again]);
    expect((await start(s, streams, [kept.plugin])).stderr).toContain(STOPPED);
    await expectTheirs(s);
  }
});

test("--fresh whose setup is tried again is fresh once: what it has made is its own then", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: TABLES });
  const kept = keptCheckpoint();
  const again: Plugin = {
    name: "again",
    setup: (ctx) => ctx.hook("error", (event) => void (event.action = "retry")),
  };
  const exist = { "target.db.exist": "rename" };
  for (const nth of [4, 8, 12]) {
    await s.db.dropDatabase();
    kept.states.clear();
    kept.failAt(nth, true);
    const done = Promise.withResolvers<void>();
    const options = { plugins: [kept.plugin, again], fresh: true, onFullDone: () => done.resolve() };
    const run = follow(s, streams, exist, options);
    await Promise.race([done.promise, run.done]);
    await run.stop();
    expect(await s.collections()).toEqual(TABLES);
  }
});

/** A migration of our own that follows, and was stopped. */
async function followed(kept: Kept) {
  const s = await scenario();
  const streams = await startStreams({ tables: TABLES });
  change(streams, randomOf(3), 50);
  await start(s, streams, [kept.plugin]);
  for (const table of TABLES) await s.db.collection<{ pk: string }>(table).insertOne({ pk: "theirs" });
  return {
    s,
    streams,
    async [Symbol.asyncDispose]() {
      await streams[Symbol.asyncDispose]();
      await s[Symbol.asyncDispose]();
    },
  };
}

test("a run that is lost beside its tables is refused, and nothing is dropped", async () => {
  const kept = keptCheckpoint();
  await using migration = await followed(kept);
  const { s, streams } = migration;
  kept.states.delete("run");
  // as it is while the tables are copied
  kept.states.set("status", new Map([["status", "full_sync"]]));
  const run = await start(s, streams, [kept.plugin]);
  expectRefusal(run as never, { exit: 2, code: "CHECKPOINT_MISMATCH", says: ["table t", "--fresh"] });
  await expectTheirs(s);
  // the tables' states lost, too: what is noted of their streams is ours still
  for (const table of TABLES) kept.states.delete(`table:${table}`);
  expectRefusal((await start(s, streams, [kept.plugin])) as never, { exit: 2, code: "CHECKPOINT_MISMATCH" });
  await expectTheirs(s);
});

test("a run that is older than its tables' is refused, and nothing is dropped", async () => {
  const kept = keptCheckpoint();
  await using migration = await followed(kept);
  const { s, streams } = migration;
  const old = kept.states.get("run")!;
  await start(s, streams, [kept.plugin], true);
  await s.db.collection<{ pk: string }>("t").insertOne({ pk: "theirs" });
  kept.states.set("run", old);
  expectRefusal((await start(s, streams, [kept.plugin])) as never, {
    exit: 2,
    code: "CHECKPOINT_MISMATCH",
    says: ["older", "--fresh"],
  });
  expect(await s.db.collection("t").countDocuments({ pk: "theirs" })).toBe(1);
});

test.each(["incr", "all"])(
  "an incr of an older version, killed before its tables were noted, goes on with %s from its positions",
  async (mode) => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"] });
    const random = randomOf(8);
    const kept = keptCheckpoint();
    const plugins = [kept.plugin];
    change(streams, random, 60);
    const copied = [...streams.model("t")].map(([pk, { n }]) => ({ pk, n: Number((n as { N: string }).N) }));
    await s.db.collection("t").insertMany(copied);
    const first = follow(s, streams, { sync_mode: "incr" }, { plugins });
    await eventually(async () => {
      expect(kept.states.get("shards:t")?.size).toBe(2);
      expect(Object.keys(await s.indexes("t"))).toHaveLength(2);
    });
    await first.stop();
    // Its runs had no identifier, and their tables were noted last.
    const { id: _, ...run } = kept.states.get("run")!.get("run") as Record<string, unknown>;
    kept.states.set("run", new Map([["run", run]]));
    kept.states.delete("table:t");
    // Their build was cut off.
    await s.db.collection("t").dropIndexes();
    change(streams, random, 60);
    const second = follow(s, streams, { ...drop, "convert.type": "change", sync_mode: mode }, { plugins });
    try {
      await expectModel(s, streams, second);
    } finally {
      await second.stop();
    }
    expect(streams.source.count("Scan")).toBe(0);
    expect(Object.keys(await s.indexes("t"))).toHaveLength(2);
  },
);

test("--fresh leaves no state behind of tables that it leaves out", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t", "u"] });
  change(streams, randomOf(5), 80);
  streams.put("u", { pk: { S: "a" } });
  const exist = { "target.db.exist": "drop" };
  const one = async (settings: object, fresh: boolean): Promise<void> => {
    const all = Promise.withResolvers<void>();
    const run = follow(s, streams, { ...exist, ...settings }, { fresh, onFullDone: () => all.resolve() });
    await Promise.race([all.promise, run.done]);
    await run.stop();
  };
  await one({ "convert.type": "raw" }, false);
  expect(await s.db.collection("t").countDocuments({ "pk.S": { $exists: true } })).toBeGreaterThan(0);
  await one({ "filter.collection.white": "u" }, true);
  const run = follow(s, streams, exist);
  try {
    await expectModel(s, streams, run);
    expect(await s.db.collection("t").countDocuments({ "pk.S": { $exists: true } })).toBe(0);
  } finally {
    await run.stop();
  }
});

test("a restart leaves the status at incr_sync: NimoShake would start over at full_sync", async () => {
  const kept = keptCheckpoint();
  await using migration = await followed(kept);
  const { s, streams } = migration;
  await eventually(() => expect(kept.states.get("status")!.get("status")).toBe("incr_sync"));
  kept.saves.length = 0;
  await start(s, streams, [kept.plugin]);
  const statuses = kept.saves.filter(([name]) => name === "status").map(([, parts]) => parts.get("status"));
  expect(statuses).not.toContain("full_sync");
});

test("tables that join a run are taken over as well, and until then NimoShake's status stays", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: [...TABLES, "w"] });
  const kept = keptCheckpoint();
  await leaveOriginal(s, streams, TABLES, kept);
  expect((await start(s, streams, [kept.plugin], false, "w")).stderr).toContain(STOPPED);
  expect(kept.states.get("status")!.get("status")).toBe("incr_sync");
  const scans = streams.source.count("Scan");
  expect((await start(s, streams, [kept.plugin], false, "t;u;w")).stderr).toContain(STOPPED);
  await expectTheirs(s);
  expect(streams.source.count("Scan")).toBe(scans);
});

test("another id doesn't take over what shares its checkpoint folder", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"] });
  change(streams, randomOf(8), 20);
  const shared = { "checkpoint.type": "file", "checkpoint.address": join(s.folder, "positions") };
  const followed = Promise.withResolvers<void>();
  const one = follow(s, streams, shared, { onFullDone: () => followed.resolve() });
  await Promise.race([followed.promise, one.done]);
  await one.stop();
  const other = `${s.id}-b`;
  const refused = await follow(s, streams, { ...shared, id: other }).done;
  expectRefusal(refused, { exit: 2, code: "CHECKPOINT_MISMATCH", says: [`migration ${s.id},`, other] });
  expect(await s.client.db(other).listCollections().toArray()).toEqual([]);
});

test("a table of the name under which the status is kept is refused before anything is written", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t", "status_table"] });
  const kept = await follow(s, streams, { "target.db.exist": "drop" }).done;
  expectRefusal(kept, { exit: 2, code: "TABLE_UNFIT", says: ["table status_table"] });
  expect(await s.collections()).toEqual([]);
});
