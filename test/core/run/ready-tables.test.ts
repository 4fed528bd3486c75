/** More tables than are looked at before the first is begun, over a source in memory. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../../../core/errors.ts";
import { type Migration, migrate } from "../../../core/library.ts";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import type { Table } from "../../../core/types.ts";
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

/** A run of all of them. */
function world() {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-ready-"));
  const store: MemoryStore = new Map();
  const looks: string[] = [];
  /** Before each look. */
  const self = {
    folder,
    store,
    looks,
    beforeLook: async (_table: string): Promise<void> => {},
    start,
    copied,
  };
  const source: Plugin = {
    name: "source-in-memory",
    setup(ctx) {
      const one = memorySource([
        ({ table }) => [{ ...page([scanned({ pk: { S: "one" } }, table)]), bytes: 100 }],
      ]);
      ctx.provide("source", { ...one, tables: async () => TABLES.map((table) => ({ ...table })) });
      ctx.provide("streams", {
        ...fakeStreams(),
        async shards({ name }) {
          looks.push(name);
          await self.beforeLook(name);
          return [{ id: `shard of ${name}` }];
        },
      });
    },
  };
  function start(settings: Record<string, string> = {}) {
    return migrate({
      config: {
        sync_mode: "all",
        "target.type": "plugin",
        "increase.new_tables": "0",
        "checkpoint.type": "file",
        "checkpoint.address": join(folder, "checkpoint"),
        ...settings,
      },
      plugins: [source, memoryTarget(store)],
    });
  }
  function copied(): string[] {
    return [...store].filter(([, { documents }]) => documents.size > 0).map(([name]) => name);
  }
  return Object.assign(self, {
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  });
}

/** Stops a run when it follows all tables. */
async function itEnds({ copied }: ReturnType<typeof world>, run: Migration): Promise<void> {
  await Promise.race([run, eventually(() => expect(run.status().phase).toBe("incr"))]);
  run.stop();
  await run;
  expect(copied()).toHaveLength(TABLES.length);
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
  "what turns up meanwhile in the place of one of the others, target.db.exist = %p",
  async (exist) => {
    using it = world();
    const theirs = new Map([["theirs", { pk: "theirs" }]]);
    it.beforeLook = async (table) => {
      if (table === LATE) it.store.set(LATE, { id: "theirs", documents: theirs });
    };
    const run = it.start({ "target.db.exist": exist });
    if (exist === "") {
      await expect(run).rejects.toMatchObject({ code: "TARGET_EXISTS" });
      expect(it.store.get(LATE)!.documents).toBe(theirs);
      return;
    }
    await itEnds(it, run);
    expect(it.store.get(LATE)!.id).not.toBe("theirs");
    expect(it.store.get(LATE)!.documents.size).toBe(1);
  },
);

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
