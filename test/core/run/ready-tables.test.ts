/** More tables than are looked at before the first is begun, over a source in memory. */
import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig } from "../../../core/config/load.ts";
import { MigrationError } from "../../../core/errors.ts";
import { type Migration, migrate } from "../../../core/library.ts";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import { createProgress } from "../../../core/progress/progress.ts";
import { runVerify, type Verdict } from "../../../core/run/verify.ts";
import type { Table } from "../../../core/types.ts";
import { builtinPlugin } from "../../../plugins/index.ts";
import { eventually } from "../../e2e/eventually.ts";
import { memorySource, page, scanned, testTable } from "../../fakes/context.ts";
import { type MemoryStore, memoryTarget } from "../../fakes/memory-target.ts";
import { fakeStreams } from "../../fakes/streams.ts";

const TABLES: Table[] = Array.from({ length: 110 }, (_, n) => {
  const name = `table-${n}`;
  // The last ones are the smallest.
  return testTable("pk", undefined, { name, targetName: name, id: name, sizeBytes: 1000 - n });
});
/** So many are looked at before. */
const FIRST = 100;
const LATE = TABLES[105]!.name;

/** Runs over all of them, one after the other. */
function world() {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-ready-"));
  const checkpoint = join(folder, "checkpoint");
  const states = `${checkpoint}-state`;
  const store: MemoryStore = new Map();
  const looks: string[] = [];
  const how = {
    /** Before each look. */
    beforeLook: async (_table: string): Promise<void> => {},
    /** The table for which the source gives no units. */
    withoutUnits: "",
  };
  const source: Plugin = {
    name: "source-in-memory",
    setup(ctx) {
      const one = memorySource([
        ({ table }) => [{ ...page([scanned({ pk: { S: "one" } }, table)]), bytes: 100 }],
      ]);
      ctx.provide("source", {
        ...one,
        tables: async () => TABLES.map((table) => ({ ...table })),
        units: (table) => (table.name === how.withoutUnits ? [] : one.units(table)),
        items: async () => [],
      });
      ctx.provide("streams", {
        ...fakeStreams(),
        async shards({ name }) {
          looks.push(name);
          await how.beforeLook(name);
          return [{ id: `shard of ${name}` }];
        },
      });
    },
  };
  const plugins = [source, memoryTarget(store)];
  const config = {
    sync_mode: "all",
    "target.type": "plugin",
    "increase.new_tables": "0",
    "checkpoint.type": "file",
    "checkpoint.address": checkpoint,
  };
  return Object.assign(how, {
    store,
    looks,
    start: (settings: Record<string, string> = {}): Migration =>
      migrate({ config: { ...config, ...settings }, plugins }),
    verify: (): Promise<Verdict> =>
      runVerify({
        config: loadConfig({ set: config }).config,
        builtins: builtinPlugin,
        plugins,
        progress: createProgress(),
        settle: 10,
        workFolder: folder,
        extent: { kind: "count" },
      }),
    /** The tables that have documents at the target. */
    copied: () => [...store].filter(([, { documents }]) => documents.size > 0).map(([name]) => name),
    /** What the checkpoint has of tables. */
    kept: () =>
      (existsSync(states) ? readdirSync(states, { recursive: true }) : [])
        .map(String)
        .filter((name) => name.includes("table-")),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  });
}

/** Stops a run when it follows all tables. */
async function itEnds({ copied, kept }: ReturnType<typeof world>, run: Migration): Promise<void> {
  await Promise.race([run, eventually(() => expect(run.status().phase).toBe("incr"))]);
  run.stop();
  await run;
  expect(copied()).toHaveLength(TABLES.length);
  expect(kept()).not.toBeEmpty();
}

test.concurrent("the first are copied while the others' streams are still to be looked at", async () => {
  using it = world();
  let copiedBefore = 0;
  it.beforeLook = async (table) => {
    if (Number(table.split("-")[1]) < FIRST) return;
    await eventually(() => expect(it.copied()).not.toBeEmpty());
    copiedBefore = Math.max(copiedBefore, it.copied().length);
    expect(it.store.has(table)).toBe(false);
  };
  const run = it.start();
  await itEnds(it, run);
  expect(copiedBefore).toBeGreaterThan(0);
  // Each is looked at once.
  expect(it.looks.toSorted()).toEqual(TABLES.map(({ name }) => name).toSorted());
});

test.concurrent("what refuses one of the others is told before its place is made, and a later start goes on", async () => {
  using it = world();
  it.beforeLook = async (table) => {
    if (table === LATE) throw new MigrationError("SOURCE_DENIED", `DescribeStream isn't allowed: ${table}`);
  };
  await expect(it.start()).rejects.toMatchObject({ code: "SOURCE_DENIED" });
  expect(it.store.has(LATE)).toBe(false);
  it.beforeLook = async () => {};
  const run = it.start();
  await itEnds(it, run);
});

test.concurrent.each(["", "drop"])(
  "what turns up meanwhile in the place of one of the others stays, target.db.exist = %p",
  async (exist) => {
    using it = world();
    const theirs = new Map([["theirs", { pk: "theirs" }]]);
    it.beforeLook = async (table) => {
      if (table === LATE) it.store.set(LATE, { id: "theirs", documents: theirs });
    };
    await expect(it.start({ "target.db.exist": exist })).rejects.toMatchObject({ code: "TARGET_EXISTS" });
    expect(it.store.get(LATE)!.documents).toBe(theirs);
  },
);

test.concurrent("what was there before in the place of one of the others goes, target.db.exist = drop", async () => {
  using it = world();
  it.store.set(LATE, { id: "theirs", documents: new Map([["theirs", { pk: "theirs" }]]) });
  await itEnds(it, it.start({ "target.db.exist": "drop" }));
  expect(it.store.get(LATE)).toMatchObject({
    id: expect.not.stringContaining("theirs"),
    documents: { size: 1 },
  });
});

test.concurrent("a run that ends before all are begun: nobody follows or compares what isn't copied", async () => {
  using it = world();
  const enough = Promise.withResolvers<void>();
  it.beforeLook = async (table) => {
    if (Number(table.split("-")[1]) < FIRST) return;
    await enough.promise;
    throw new MigrationError("SOURCE_DENIED", "DescribeStream isn't allowed");
  };
  const run = it.start();
  await eventually(() => expect(it.copied()).toHaveLength(FIRST));
  const verifying = it.verify();
  await expect(verifying).rejects.toMatchObject({
    code: "TABLE_UNFIT",
    message: expect.stringContaining(LATE),
  });
  enough.resolve();
  await expect(run).rejects.toMatchObject({ code: "SOURCE_DENIED" });
  it.beforeLook = async () => {};
  const follows = it.start({ sync_mode: "incr" });
  await expect(follows).rejects.toMatchObject({
    code: "CHECKPOINT_MISMATCH",
    message: expect.stringContaining(LATE),
  });
  await itEnds(it, it.start());
});

test.concurrent("where nothing is copied, all are looked at before the first is followed", async () => {
  using it = world();
  for (const { name } of TABLES) it.store.set(name, { id: name, documents: new Map() });
  it.beforeLook = async (table) => {
    if (table === LATE) throw new MigrationError("SOURCE_DENIED", "DescribeStream isn't allowed");
  };
  await expect(it.start({ sync_mode: "incr" })).rejects.toMatchObject({ code: "SOURCE_DENIED" });
  expect(it.kept()).toEqual([]);
});

test.concurrent("a table that isn't ready for long takes no turn of another one", async () => {
  using it = world();
  const enough = Promise.withResolvers<void>();
  it.beforeLook = async (table) => {
    if (table === TABLES[FIRST]!.name) await enough.promise;
  };
  const run = it.start({ "full.concurrency": "1" });
  await eventually(() => expect(it.copied()).toHaveLength(TABLES.length - 1));
  enough.resolve();
  await itEnds(it, run);
});

test.concurrent("a source that gives no units for a table is refused before anything is made", async () => {
  using it = world();
  it.withoutUnits = LATE;
  await expect(it.start()).rejects.toMatchObject({ code: "PLUGIN_INVALID" });
  expect([it.store.size, it.kept()]).toEqual([0, []]);
});

test.concurrent("no place is made while the run is paused", async () => {
  using it = world();
  const paused = Promise.withResolvers<void>();
  it.beforeLook = async (table) => {
    if (Number(table.split("-")[1]) >= FIRST) await paused.promise;
  };
  const run = it.start();
  await eventually(() => expect(it.copied()).toHaveLength(FIRST));
  await run.pause();
  paused.resolve();
  await eventually(() => expect(it.looks).toHaveLength(TABLES.length));
  await sleep(100);
  expect(it.store.size).toBe(FIRST);
  run.resume();
  await itEnds(it, run);
});
