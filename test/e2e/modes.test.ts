/** `full`, `incr` and `all` under one id: each goes on with what the one before has left, or says why it can't. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createConsola } from "consola";
import type { MigrateOptions } from "../../core/run/run.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { startStreams, type StreamsOptions } from "../stand-in/streams.ts";
import { type Outcome, scenario, type Scenario, type Settings } from "./helpers.ts";
import { type Kept, keptCheckpoint } from "./kept.ts";
import { expectRefusal } from "./refusals.ts";
import { change, expectModel, follow, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** What a run logs. */
function recorder() {
  const lines: string[] = [];
  const log = createConsola({
    level: 3,
    reporters: [{ log: ({ args }) => void lines.push(args.join(" ")) }],
  });
  return { lines, log };
}

/** Runs of one id over one scripted table. */
async function runs(tables: string[] = ["t"], changes = 80, options: Partial<StreamsOptions> = {}) {
  const s = await scenario();
  const streams = await startStreams({ tables, ...options });
  const random = randomOf(21);
  const { lines, log } = recorder();
  change(streams, random, changes);
  return {
    s,
    streams,
    lines,
    log,
    change: (count = 40) => change(streams, random, count),
    scans: () => streams.source.count("Scan"),
    /** Copies; resolves at the end. */
    full: (settings: Settings = {}, options: Partial<MigrateOptions> = {}): Promise<Outcome> =>
      follow(s, streams, { sync_mode: "full", ...settings }, { log, ...options }).done,
    /** Follows until the target is as the source is. */
    async until(mode: "all" | "incr", settings: Settings = {}, plugins: Plugin[] = []): Promise<void> {
      const copied = Promise.withResolvers<void>();
      const onFullDone = (): void => copied.resolve();
      const run = follow(s, streams, { sync_mode: mode, ...settings }, { log, onFullDone, plugins });
      try {
        if (mode === "all") await Promise.race([copied.promise, run.done]);
        await expectModel(s, streams, run);
      } finally {
        await run.stop();
      }
    },
    /** Ends by itself. */
    ended: (mode: "all" | "incr", settings: Settings = {}, options: Partial<MigrateOptions> = {}) =>
      follow(s, streams, { sync_mode: mode, ...settings }, { log, ...options }).done,
    async [Symbol.asyncDispose]() {
      await streams[Symbol.asyncDispose]();
      await s[Symbol.asyncDispose]();
    },
  };
}

/** Ends a run like a kill there. */
const killed = (hook: "fetch:before" | "checkpoint:before" | "checkpoint:after"): Plugin => ({
  name: "killed",
  setup(ctx) {
    ctx.hook(hook, () => {
      throw new Error("killed here");
    });
  },
});

const types = async ({ db }: Scenario): Promise<string[]> => {
  const found = await db
    .collection("t")
    .aggregate([{ $group: { _id: { $type: "$n" } } }])
    .toArray();
  return found.map(({ _id }) => String(_id));
};

test("all, full, incr, all: from its own positions all along, never taken for NimoShake's", async () => {
  await using migration = await runs();
  const { s, scans, lines } = migration;
  await migration.until("all");
  const copied = scans();
  migration.change();
  const again: boolean[] = [];
  expect((await migration.full({}, { onFullDone: (isNews) => void again.push(isNews) })).code).toBe(0);
  expect(again).toEqual([false]);
  migration.change();
  await migration.until("incr");
  expect(lines.join("\n")).toContain("table t: its stream is read from the checkpoint");
  migration.change();
  await migration.until("all");
  expect(scans()).toBe(copied);
  expect(lines.join("\n")).not.toMatch(/NimoShake|mchange/);
  expect(await types(s)).toEqual(["int"]);
});

test.each(["incr", "all"] as const)(
  "full, changes, %s: they are applied, from the time at which the copy began, and no table is read again",
  async (mode) => {
    await using migration = await runs();
    const { scans, lines } = migration;
    expect((await migration.full()).code).toBe(0);
    const copied = scans();
    migration.change();
    await migration.until(mode);
    expect(lines.join("\n")).toMatch(/table t: its stream is read from \d{4}-.*Z, when its copy began/);
    migration.change();
    await migration.until("all");
    migration.change();
    await migration.until("incr");
    expect(scans()).toBe(copied);
  },
);

test("full that was stopped, all: the rest is copied, and what changed before it too", async () => {
  await using migration = await runs();
  const stop = new AbortController();
  const stopped = await migration.full(
    {},
    {
      signal: stop.signal,
      plugins: [
        { name: "stop", setup: (ctx) => ctx.hook("index:before", () => stop.abort(new Error("enough"))) },
      ],
    },
  );
  expect(stopped.code).not.toBe(0);
  migration.change();
  await migration.until("all");
});

test("full, killed before anything of it was saved, all: what is written of it is from then, not from now", async () => {
  await using migration = await runs();
  const { s, streams } = migration;
  const { stderr } = await migration.full({}, { plugins: [killed("checkpoint:before")] });
  expect(stderr).toContain("killed here");
  expect(await s.db.collection("t").countDocuments()).toBe(streams.model("t").size);
  migration.change();
  for (const pk of [...streams.model("t").keys()].slice(0, 5)) streams.remove("t", pk);
  await migration.until("all");
});

test("full of a segment without items, killed when it was saved, all: what came into it since is copied", async () => {
  await using migration = await runs(["t"], 0);
  const { stderr } = await migration.full({}, { plugins: [killed("checkpoint:after")] });
  expect(stderr).toContain("killed here");
  migration.change();
  await migration.until("all");
});

test("all, killed before its positions, full, killed as well, all: from the time at which full began", async () => {
  await using migration = await runs();
  const { s, streams } = migration;
  const kept = keptCheckpoint();
  const table = (): unknown => kept.states.get("table:t")?.get("table");
  // when the table's place is made
  kept.failAt(4);
  expect((await migration.ended("all", {}, { plugins: [kept.plugin] })).stderr).toContain("killed here");
  kept.failAt(0);
  expect(table()).toMatchObject({ stage: "copying" });
  expect(kept.states.has("stream:t")).toBe(false);
  await migration.full({}, { plugins: [kept.plugin, killed("checkpoint:before")] });
  expect(await s.db.collection("t").countDocuments()).toBe(streams.model("t").size);
  for (const pk of [...streams.model("t").keys()].slice(0, 5)) streams.remove("t", pk);
  await migration.until("all", {}, [kept.plugin]);
});

test("full reads consistently where it goes on with a copy whose positions are noted, and else not", async () => {
  await using migration = await runs();
  const { streams } = migration;
  const consistent = () =>
    streams.source.calls
      .filter(({ operation }) => operation === "Scan")
      .map(({ body }) => body["ConsistentRead"] === true);
  await migration.ended("all", {}, { plugins: [killed("fetch:before")] });
  expect(consistent()).toEqual([]);
  expect((await migration.full()).code).toBe(0);
  expect(consistent()).toEqual([true]);
  await migration.full({ "target.db.exist": "drop" }, { fresh: true });
  expect(consistent()).toEqual([true, false]);
});

test("full of a table without a stream, killed before its first item, all: from now", async () => {
  await using migration = await runs(["t"], 80, { disabled: true });
  const { stderr } = await migration.full({}, { plugins: [killed("fetch:before")] });
  expect(stderr).toContain("killed here");
  await migration.until("all");
});

test.each<[string, (migration: Awaited<ReturnType<typeof runs>>, kept: Kept) => Promise<void>]>([
  [
    "whose copy was begun before its stream",
    async (migration, { plugin }) => {
      await migration.full(
        { "filter.collection.white": "t" },
        { plugins: [plugin, killed("checkpoint:before")] },
      );
      migration.streams.renew("t");
    },
  ],
  [
    "whose stream is another one now",
    async (migration, { plugin }) => {
      await migration.until("all", { "filter.collection.white": "t" }, [plugin]);
      migration.streams.renew("t");
    },
  ],
  [
    "whose quiet shards nobody has read for a day",
    async (migration, { plugin, states }) => {
      await migration.until("all", { "filter.collection.white": "t" }, [plugin]);
      const own = states.get("stream:t")!;
      const notedAt = Date.now() - 25 * 3_600_000;
      for (const part of own.keys()) if (part.startsWith("shard:")) own.set(part, { notedAt });
    },
  ],
  [
    "whose positions are gone",
    async (migration, { plugin, states }) => {
      await migration.until("all", { "filter.collection.white": "t" }, [plugin]);
      states.delete("shards:t");
    },
  ],
])("a table %s is refused before another one is dropped", async (_, begin) => {
  await using migration = await runs(["t", "u"]);
  const kept = keptCheckpoint();
  await begin(migration, kept);
  const theirs = migration.s.db.collection<{ pk: string }>("u");
  await theirs.insertOne({ pk: "theirs" });
  const drop = { "target.db.exist": "drop" };
  const refused = await migration.ended("all", drop, { plugins: [kept.plugin] });
  expectRefusal(refused, { exit: 1, code: "STREAM_GAP", says: ["table t"] });
  expect(await theirs.countDocuments()).toBe(1);
});

test("full of a table whose stream was made anew, incr: refused, and on_gap = resync copies it again", async () => {
  await using migration = await runs();
  const { streams } = migration;
  await migration.full();
  migration.change();
  streams.renew("t");
  const refused = await migration.ended("incr");
  expectRefusal(refused, { exit: 1, code: "STREAM_GAP", says: ["table t", "copy was begun", "resync"] });
  // Copying it anew would need its place.
  for (const on_gap of ["fail", "resync"]) {
    const says = [
      "this migration is complete since 20",
      "sync_mode = incr says why, and with on_gap = resync",
    ];
    expectRefusal(await migration.ended("all", { on_gap }), { exit: 2, code: "TARGET_EXISTS", says });
  }
  // and not only once
  expectRefusal(await migration.ended("incr"), { exit: 1, code: "STREAM_GAP" });
  await migration.until("incr", { on_gap: "resync" });
});

test("full of a table without a stream, incr: refused, for nobody knows what was changed since", async () => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"], disabled: true });
  streams.put("t", { pk: { S: "a" }, n: { N: "1" } });
  const run = (mode: string) => follow(s, streams, { sync_mode: mode }).done;
  expect((await run("full")).code).toBe(0);
  expectRefusal(await run("incr"), { exit: 1, code: "STREAM_GAP", says: ["table t"] });
  expect(streams.source.count("UpdateTable")).toBe(0);
});

test("a table that another run has copied isn't followed from now", async () => {
  await using migration = await runs(["t", "u"]);
  await migration.full();
  await migration.full({ "filter.collection.white": "u", "target.db.exist": "drop" }, { fresh: true });
  migration.change();
  expectRefusal(await migration.ended("incr"), { exit: 1, code: "STREAM_GAP", says: ["table t"] });
});

test("incr on what nobody has copied follows from now, and says so; all goes on from there", async () => {
  await using migration = await runs();
  const { s, lines, streams, scans } = migration;
  await s.db.collection("t").insertMany([...streams.model("t").keys()].map((pk) => ({ pk, n: 0 })));
  // With its indexes: following makes none.
  await s.db.collection("t").createIndexes([{ key: { pk: 1 }, unique: true }, { key: { pk: "hashed" } }]);
  const run = follow(s, streams, { sync_mode: "incr" }, { log: migration.log });
  while (!lines.some((line) => line.includes("table t: its stream is read from now"))) await Bun.sleep(10);
  await run.stop();
  for (const pk of streams.model("t").keys()) streams.put("t", { pk: { S: pk }, n: { N: "7" } });
  await migration.until("all");
  migration.change();
  await migration.until("incr");
  expect(scans()).toBe(0);
});

test("incr where the collection is gone, or its copy isn't finished, is refused", async () => {
  await using migration = await runs();
  const { s } = migration;
  await migration.full();
  await s.db.dropCollection("t");
  expectRefusal(await migration.ended("incr"), { exit: 2, code: "CHECKPOINT_MISMATCH", says: ["is gone"] });
  const failing: Plugin = {
    name: "fails",
    setup(ctx) {
      ctx.hook("index:before", () => {
        throw new Error("not now");
      });
    },
  };
  await migration.full({}, { plugins: [failing], fresh: true });
  expectRefusal(await migration.ended("incr"), {
    exit: 2,
    code: "CHECKPOINT_MISMATCH",
    says: ["isn't finished", "sync_mode = all"],
  });
});

test.each(["all", "full"])("%s refused with TARGET_EXISTS leaves nothing to go on from", async (mode) => {
  await using migration = await runs();
  const { s, streams } = migration;
  const kept = keptCheckpoint();
  const plugins = [kept.plugin];
  const run = (settings: Settings, fresh = false) =>
    follow(s, streams, { sync_mode: mode, ...settings }, { plugins, fresh }).done;
  await s.db.collection<{ pk: string }>("t").insertOne({ pk: "theirs" });
  const refused = await run({});
  expectRefusal(refused, { exit: 2, code: "TARGET_EXISTS", says: ["target.db.exist"] });
  expect(kept.saves).toEqual([]);
  // With --fresh the hint doesn't forget it: without, the next start would go on with what it should forget.
  expectRefusal(await run({}, true), { exit: 2, code: "TARGET_EXISTS", says: ["with --fresh again"] });
  expect(kept.saves).toEqual([]);
  expect(await s.db.collection("t").countDocuments()).toBe(1);
});

test("full, TARGET_EXISTS of a second full, incr: goes on from the first one's copy", async () => {
  await using migration = await runs();
  await migration.full();
  const says = ["this migration is complete since 20", "there is nothing left to do"];
  expectRefusal(await migration.full(), { exit: 2, code: "TARGET_EXISTS", says });
  migration.change();
  await migration.until("incr");
});

test.each(["all", "incr"])(
  "sync_schema_only with sync_mode = %s: indexes, and an end; nothing is touched at the source",
  async (mode) => {
    await using s = await scenario();
    await using streams = await startStreams({ tables: ["t"], disabled: true });
    streams.put("t", { pk: { S: "a" } });
    const done: boolean[] = [];
    const run = follow(
      s,
      streams,
      { sync_mode: mode, sync_schema_only: true, incr_sync_parallel: mode === "all" },
      { onFullDone: (isNews) => void done.push(isNews) },
    );
    expect(await run.done).toMatchObject({ code: 0, stderr: "" });
    expect(done).toEqual([true]);
    expect(await s.db.collection("t").countDocuments()).toBe(0);
    expect(Object.keys(await s.indexes("t")).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
    expect(new Set(streams.source.calls.map(({ operation }) => operation))).toEqual(
      new Set(["ListTables", "DescribeTable"]),
    );
  },
);
