/** What a checkpoint says of a migration, and what a start would do with it. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprint } from "../../../core/checkpoint/fingerprint.ts";
import { encodeRow } from "../../../core/checkpoint/nimoshake-rows.ts";
import { thisProcess } from "../../../core/host/process.ts";
import type { Checkpoint, Holding } from "../../../core/plugin/roles.ts";
import { createContext } from "../../../core/run/context.ts";
import { type KeptStatus, openStatus } from "../../../core/run/status.ts";
import { builtinPlugin } from "../../../plugins/index.ts";
import { memoryCheckpoint, testConfig } from "../../fakes/context.ts";

const RUN = "2026-11-26T10:00:00.000Z-1";
const AT = Date.parse("2026-11-26T11:00:00.000Z");

interface Given {
  settings?: Record<string, string>;
  /** By name and part. */
  states?: Record<string, Record<string, unknown>>;
  holding?: Holding;
  /** It can't tell what it keeps. */
  isSilent?: true;
}

/** Reads the status from a checkpoint with these states. */
async function read({ settings = {}, states = {}, holding, isSilent }: Given): Promise<KeptStatus> {
  const memory = memoryCheckpoint();
  for (const [name, parts] of Object.entries(states)) await memory.save(name, new Map(Object.entries(parts)));
  const saves = memory.saves;
  const checkpoint: Checkpoint = {
    ...memory,
    ...(isSilent !== true && {
      list: async () => [...memory.states.keys()].map((name) => ({ name, savedAt: AT })),
    }),
    lease: {
      claim: () => Promise.reject(new Error("it is nobody's to claim")),
      renew: () => Promise.reject(new Error("nor to renew")),
      release: () => Promise.reject(new Error("nor to give back")),
      find: async () => holding,
    },
  };
  const plugin = {
    name: "memory",
    setup: (ctx: { provide: (role: "checkpoint", by: Checkpoint) => void }) =>
      ctx.provide("checkpoint", checkpoint),
  };
  await using status = await openStatus({
    config: testConfig(settings),
    builtins: builtinPlugin,
    plugins: [plugin],
  });
  const kept = await status.read();
  expect(memory.saves).toBe(saves);
  return kept;
}

const run = (settings: Record<string, string>, more: object = {}): Record<string, unknown> => ({
  run: {
    id: RUN,
    settings: fingerprint(testConfig(settings), new Map()),
    startedAt: "2026-11-26T10:00:00.000Z",
    ...more,
  },
});
const table = (more: object = {}): object => ({
  run: RUN,
  stage: "copying",
  targetName: "t",
  units: 2,
  ...more,
});
const unit = { read: 10, filtered: 1, overflowed: 0, bytes: 100 };
const row = encodeRow({
  id: "s1",
  status: "running",
  position: { at: "sequence", number: "7", inclusive: false },
  time: AT,
  updatedAt: AT + 5000,
});

describe("a start", () => {
  const all = { sync_mode: "all" };
  const done = { copiedAt: "2026-11-26T10:30:00.000Z", finishedAt: "2026-11-26T10:30:00.000Z" };

  test.each<[string, Given, string, string]>([
    ["with nothing there begins", {}, "begin", "nothing has run yet: a start begins with copying"],
    [
      "of streams alone begins now",
      { settings: { sync_mode: "incr" } },
      "begin",
      "follows the streams from now on",
    ],
    [
      "goes on with what isn't finished",
      { settings: all, states: { run: run(all) } },
      "go on",
      "where the last one stopped",
    ],
    [
      "under other settings is refused",
      { settings: { ...all, "convert.type": "raw" }, states: { run: run(all) } },
      "be refused",
      "convert.type was change and is raw",
    ],
    [
      "of a copy that is over copies again",
      { states: { run: run({}, done) } },
      "nothing new",
      "all is copied",
    ],
    [
      "that follows a copy goes on with it",
      { settings: all, states: { run: run(all, done) } },
      "go on",
      "the changes since the copy",
    ],
    [
      "takes over what NimoShake has left",
      { settings: all, states: { status: { status: "incr_sync" }, "shards:t": { s1: row } } },
      "take over",
      "left by NimoShake, and is no run of ours",
    ],
    [
      "without streams has nothing to do with NimoShake",
      { states: { status: { status: "incr_sync" } } },
      "begin",
      "begins with copying",
    ],
    [
      "with tables of a lost run is refused",
      { states: { "table:t": { table: table() } } },
      "be refused",
      "not their run: t",
    ],
  ])("%s", async (_, given, does, text) => {
    const { start } = await read(given);
    expect(start).toEqual({ does, text: expect.stringContaining(text) } as never);
  });

  test("in a place that is another migration's is refused, and that is no failure", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nimo-status-"));
    const settings = { ...all, "checkpoint.type": "file", "checkpoint.address": join(folder, "cp") };
    const other = { config: testConfig({ ...settings, id: "other" }), builtins: builtinPlugin };
    try {
      await using ctx = createContext({ config: other.config });
      await ctx.use((await builtinPlugin("checkpoint", other.config))!);
      await ctx.role("checkpoint").save("status", new Map([["status", "incr_sync"]]));
      await using status = await openStatus({
        config: testConfig({ ...settings, id: "ours" }),
        builtins: builtinPlugin,
      });
      expect((await status.read()).start).toMatchObject({
        does: "be refused",
        text: expect.stringContaining("those of the migration other"),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("the tables", () => {
  const states = {
    run: run({}),
    "table:a": { table: table(), "0": unit, "1": { ...unit, position: { pk: { S: "x" } } } },
    // Copied again: the units of the round before don't count.
    "table:b": {
      table: table({ units: 1, round: 1, noted: false }),
      "0": { ...unit, read: 99 },
      "1.0": unit,
    },
    "table:c": { table: table({ stage: "done", units: 1, noted: true }), "0": unit },
    "table:old": { table: table({ run: "2025" }) },
    "stream:b": { stream: { stream: "arn" } },
    "stream:c": { stream: { stream: "arn" }, "shard:s1": { notedAt: AT + 60_000 } },
    "shards:b": { s1: row },
    "shards:c": { s1: row },
    "verify:a": { pass: {} },
  };

  test("are those of the run, with what is copied and followed of them", async () => {
    const { tables, savedAt, strays, isComplete } = await read({ states });
    expect(tables.map(({ name, segmentsDone, read, bytes }) => [name, segmentsDone, read, bytes])).toEqual([
      ["a", 1, 20, 200],
      ["b", 1, 10, 100],
      ["c", 1, 10, 100],
    ]);
    expect(tables.map(({ shards }) => shards?.map(({ id, notedAt }) => [id, notedAt]))).toEqual([
      undefined,
      undefined,
      [["s1", AT + 60_000]],
    ]);
    expect(savedAt).toBe(AT + 5000);
    expect([strays, isComplete]).toEqual([["old"], true]);
  });

  test("of a checkpoint that can't list them are those that are named", async () => {
    const settings = { "filter.collection.white": "a;none;c*" };
    const { tables, isComplete } = await read({ settings, states, isSilent: true });
    expect([tables.map(({ name }) => name), isComplete]).toEqual([["a"], false]);
  });

  test("that were taken over from NimoShake are there, too", async () => {
    const state = { stage: "done", targetName: "n", units: 0, noted: true };
    const adopted = [{ table: "n", state }];
    const { tables } = await read({
      states: {
        run: run({}, { adopted }),
        "stream:n": { stream: { stream: "arn" } },
        "shards:n": { s1: row },
      },
    });
    expect(tables).toEqual([
      expect.objectContaining({
        name: "n",
        segmentsDone: 0,
        shards: [expect.objectContaining({ id: "s1" })],
      }),
    ]);
  });

  test("what isn't understood is refused", async () => {
    const broken = read({ states: { run: { run: { id: 5 } } } });
    expect(await broken.catch((error: unknown) => error)).toMatchObject({ code: "CHECKPOINT_MISMATCH" });
  });
});

describe("the lease", () => {
  const holder = { ...thisProcess(), token: "t", since: "2026-11-26T10:00:00.000Z" };
  const elsewhere = { ...holder, host: "elsewhere" };

  test.each<[string, Holding, { alive: boolean; known: boolean }]>([
    [
      "of a process of this machine is its, however old",
      { holder, age: 99_000 },
      { alive: true, known: true },
    ],
    // No process has such an id.
    [
      "of one that is gone is nobody's",
      { holder: { ...holder, pid: 2 ** 30 }, age: 0 },
      { alive: false, known: true },
    ],
    [
      "of another machine's is its while it is renewed",
      { holder: elsewhere, age: 9000 },
      { alive: true, known: false },
    ],
    [
      "of another machine's that isn't renewed is nobody's",
      { holder: elsewhere, age: 31_000 },
      { alive: false, known: false },
    ],
  ])("%s", async (_, holding, found) => {
    const { lease } = await read({ holding });
    expect(lease).toEqual({
      ...found,
      host: holding.holder.host,
      pid: holding.holder.pid,
      since: holder.since,
      age: holding.age,
    });
  });
});
