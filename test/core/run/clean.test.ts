/** What is left of a migration is removed in an order that can be cut off anywhere, and nothing else is. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runClean } from "../../../core/run/clean.ts";
import type { Leftover } from "../../../core/run/leftover.ts";
import type { Checkpoint, Streams, Target } from "../../../core/plugin/roles.ts";
import { thisProcess } from "../../../core/host/process.ts";
import { memoryCheckpoint, memorySource, memoryTarget, testConfig } from "../../fakes/context.ts";
import { fakeStreams } from "../../fakes/streams.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "nimo-shake-clean-"))));
afterEach(() => rmSync(folder, { recursive: true }));

interface World {
  checkpoint: Checkpoint & { states: Map<string, Map<string, unknown>> };
  streams: Streams;
  target: Target;
  /** What was removed, in order. */
  done: string[];
}

const RUN = { settings: {}, startedAt: "2026-01-01T00:00:00.000Z", followed: true };

/** Two tables, one of which has a stream that the migration has enabled. */
function makeWorld(more: Partial<Checkpoint> = {}): World {
  const done: string[] = [];
  const memory = memoryCheckpoint();
  const clear = memory.clear.bind(memory);
  const checkpoint = Object.assign(memory, {
    clear: async (name: string) => {
      if (memory.states.has(name)) done.push(`clear ${name}`);
      await clear(name);
    },
    left: async () => ({ names: [...memory.states.keys()], rest: memory.states.size > 0 }),
    vacate: async () => void done.push("vacate"),
    ...more,
  });
  const parts = (part: string, state: unknown) => new Map([[part, state]]);
  memory.states.set("run", parts("run", RUN));
  for (const table of ["a", "b"]) {
    const state = { stage: "done", targetName: `to-${table}`, units: 1 };
    memory.states.set(`table:${table}`, parts("table", state));
    memory.states.set(`stream:${table}`, parts("stream", { stream: `arn-${table}` }));
    memory.states.set(`shards:${table}`, parts("s", {}));
  }
  memory.states.set("enabled:a", parts("stream", { at: RUN.startedAt, stream: "arn-a" }));
  let enabled: string | undefined = "arn-a";
  const streams = Object.assign(fakeStreams(), {
    enabled: async () => enabled,
    disable: async (table: string) => {
      enabled = undefined;
      done.push(`disable ${table}`);
    },
  });
  const target = Object.assign(memoryTarget(), {
    aside: async (names: readonly string[]) => names.map((name) => `${name}.old`),
    dropAside: async (name: string) => void done.push(`drop ${name}`),
  });
  return { checkpoint, streams, target, done };
}

function clean(
  { checkpoint, streams, target, done }: World,
  {
    renamed = false,
    yes = true,
    settings = {},
  }: { renamed?: boolean; yes?: boolean; settings?: Record<string, string> } = {},
): Promise<{ left: number; removed: number; found: readonly Leftover[]; unfinished: string | undefined }> {
  const config = testConfig({ id: "app", "increase.persist.dir": join(folder, "spool"), ...settings });
  const asked: { found: readonly Leftover[]; unfinished: string | undefined } = {
    found: [],
    unfinished: undefined,
  };
  return runClean({
    config,
    builtins: async () => undefined,
    plugins: [
      {
        name: "world",
        setup({ hook, provide }) {
          hook("close", () => void done.push("told of an end"));
          provide("checkpoint", checkpoint);
          provide("streams", streams);
          provide("target", target);
          provide("source", memorySource([]));
        },
      },
    ],
    folder,
    renamed,
    async decide(found, unfinished) {
      Object.assign(asked, { found, unfinished });
      return yes;
    },
  }).then((result) => ({ ...result, ...asked }));
}

const whats = (found: readonly Leftover[]): string[] => found.map(({ what }) => what);

test("streams first, the checkpoint last, and in it what tells of the rest", async () => {
  const world = makeWorld();
  writeFileSync(join(folder, "app-diff.jsonl"), "");
  const { left, removed } = await clean(world);
  expect([left, removed]).toEqual([3, 3]);
  expect(world.done).toEqual([
    "disable a",
    "clear shards:a",
    "clear shards:b",
    "clear stream:a",
    "clear stream:b",
    "clear enabled:a",
    "clear table:a",
    "clear table:b",
    "clear run",
    "vacate",
  ]);
  expect(readdirSync(folder)).toEqual([]);
  expect(await clean(world)).toMatchObject({ left: 0, removed: 0 });
});

test("cut off anywhere, the next one does the rest", async () => {
  const { done: all } = await whole(makeWorld());
  for (let cut = 1; cut < all.length; cut++) {
    const world = makeWorld();
    let steps = 0;
    const { push } = world.done;
    world.done.push = function (...items: string[]) {
      if (++steps === cut) throw new Error("killed");
      return push.apply(this, items);
    };
    await expect(clean(world)).rejects.toThrow("killed");
    steps = Infinity;
    await clean(world);
    // The step in which it was cut off is done again, unless it was done by then.
    expect(new Set(world.done).size).toBeGreaterThanOrEqual(all.length - 1);
    expect(world.checkpoint.states.size).toBe(0);
  }
});

async function whole(world: World): Promise<World> {
  await clean(world);
  return world;
}

test("after a no, and for a listing, all stays", async () => {
  const world = makeWorld();
  writeFileSync(join(folder, "app-skipped.jsonl"), "");
  const { left, removed } = await clean(world, { yes: false });
  expect([left, removed, world.done]).toEqual([3, 0, []]);
  expect(existsSync(join(folder, "app-skipped.jsonl"))).toBe(true);
});

describe("a stream that was noted", () => {
  test.each<[string, string | undefined, string[]]>([
    ["and is another one now: stays", "arn-of-somebody", []],
    ["and is gone: isn't listed", undefined, []],
  ])("%s", async (_, is, expected) => {
    const world = makeWorld();
    world.streams.enabled = async () => is;
    const { found } = await clean(world);
    expect(world.done.filter((step) => step.startsWith("disable"))).toEqual(expected);
    expect(whats(found).some((what) => what.startsWith("the stream"))).toBe(is !== undefined);
  });

  describe("by a process that was killed before it knew which", () => {
    const AT = Date.parse(RUN.startedAt);
    test.each<[string, Streams["madeAt"], string | undefined]>([
      ["and was made then: is disabled", () => AT + 60_000, "disable a"],
      ["and was made a day later: stays", () => AT + 86_400_000, undefined],
      ["and doesn't tell: stays", () => undefined, undefined],
      ["where none tells: stays", undefined, undefined],
    ])("%s", async (_, madeAt, expected) => {
      const world = makeWorld();
      if (madeAt !== undefined) world.streams.madeAt = madeAt;
      world.checkpoint.states.set("enabled:a", new Map([["stream", { at: RUN.startedAt }]]));
      const { found } = await clean(world);
      expect(world.done.find((step) => step.startsWith("disable"))).toBe(expected);
      const stays = expected === undefined ? expect.stringContaining(RUN.startedAt) : undefined;
      expect([found[0]?.where, found[0]?.stays]).toEqual(["arn-a", stays]);
    });
  });

  test.each<[string, string, object, boolean]>([
    ["and another migration follows it: stays", "arn-a", {}, true],
    [
      "and another migration followed it, and was switched over",
      "arn-a",
      { switchedOverAt: RUN.startedAt },
      false,
    ],
    ["and another migration follows another table of that name", "arn-b", {}, false],
  ])("%s", async (_, stream, run, stays) => {
    const others: Checkpoint["others"] = async (part, names) => {
      const state = part === "run" ? { ...RUN, ...run } : { stream };
      return names.includes(part === "run" ? "run" : "stream:a")
        ? [{ id: "other", name: names[0]!, state }]
        : [];
    };
    const world = makeWorld({ others });
    const { found } = await clean(world);
    expect(found[0]!.stays).toEqual(stays ? expect.stringContaining("followed by other") : undefined);
    expect(world.done.includes("disable a")).toBe(!stays);
  });

  test("stays where the plugin can't disable one", async () => {
    const world = makeWorld();
    delete world.streams.disable;
    const { found, left, removed } = await clean(world);
    expect(found[0]).toMatchObject({ where: "arn-a", stays: expect.stringContaining("disables none") });
    expect(left - removed).toBe(1);
  });
});

test("a status that stays for other tables: said", async () => {
  const world = makeWorld({ left: async () => ({ names: ["run"], rest: true, shared: "status_table" }) });
  const { found, left, removed } = await clean(world);
  expect(found.filter(({ side }) => side === "checkpoint")).toMatchObject([
    { where: "status_table", stays: expect.stringContaining("other tables") },
    { where: "memory" },
  ]);
  expect(left - removed).toBe(1);
});

test("what was renamed is listed where the configuration renames, and removed only when that is asked for", async () => {
  expect(whats((await clean(makeWorld())).found)).not.toContain("what was there before, renamed");
  const world = makeWorld();
  const settings = { "target.db.exist": "rename" };
  const { found, left, removed } = await clean(world, { settings });
  expect(found.filter(({ side }) => side === "target")).toMatchObject([
    { where: "to-a.old in memory", stays: expect.stringContaining("--renamed") },
    { where: "to-b.old in memory" },
  ]);
  expect(left - removed).toBe(2);
  const second = makeWorld();
  await clean(second, { renamed: true });
  expect(second.done).toEqual(expect.arrayContaining(["drop to-a.old", "drop to-b.old"]));
});

test.each<[string, object, string | undefined]>([
  ["is followed", { copiedAt: RUN.startedAt }, "changes are followed"],
  ["is copied", {}, "aren't all copied"],
  ["was switched over", { copiedAt: RUN.startedAt, switchedOverAt: RUN.startedAt }, undefined],
  ["can't be understood", { startedAt: 7 }, "can't be understood"],
  ["is over", { copiedAt: RUN.startedAt, finishedAt: RUN.startedAt }, undefined],
])("a migration that %s: said", async (_, state, expected) => {
  const world = makeWorld();
  world.checkpoint.states.set("run", new Map([["run", { ...RUN, ...state }]]));
  const { unfinished } = await clean(world, { yes: false });
  if (expected === undefined) expect(unfinished).toBeUndefined();
  else expect(unfinished).toContain(expected);
});

test("files of this id alone, those of parts too", async () => {
  const world = makeWorld();
  const own = [
    "app-1-of-2-diff.jsonl",
    "app-diff.jsonl",
    "app-diff.jsonl.17.part",
    "app-report.json",
    "app-report.json.17.tmp",
    "told.json",
    "told.json.17.tmp",
    "app.sock",
    "app.sock.x1Y",
  ];
  const others = [
    "app-2",
    "app2-diff.jsonl",
    "app-else-diff.jsonl",
    "xapp-diff.jsonl",
    "app-report.conf",
    "app-report.pid",
    "app-report.sock",
    "app-report.json.old",
    "told.json.old",
    "app.log",
    "app.conf",
    "app.pid",
  ];
  for (const name of [...own, ...others]) writeFileSync(join(folder, name), "");
  mkdirSync(join(folder, "app-2-of-2-verify", "t"), { recursive: true });
  mkdirSync(join(folder, "app-verify-run"));
  await clean(world, { settings: { "report.file": "./told.json" } });
  expect(readdirSync(folder).sort()).toEqual(others.sort());
});

test("while another process has the lease: refused, and nothing is touched", async () => {
  const holder = { ...thisProcess(), host: "elsewhere", system: "other", token: "x", since: RUN.startedAt };
  let age = 0;
  const world = makeWorld({
    // It is renewed in between.
    lease: {
      claim: async () => ({ holder, age: age-- }),
      renew: async () => undefined,
      release: async () => {},
    },
  });
  await expect(clean(world)).rejects.toMatchObject({ code: "ALREADY_RUNNING", exit: 2 });
  expect(world.done).toEqual([]);
});

test("a checkpoint that doesn't know what it has is asked for what the source's tables would have", async () => {
  const world = makeWorld();
  delete world.checkpoint.left;
  delete world.checkpoint.vacate;
  const { removed } = await clean(world);
  expect(removed).toBe(1);
  // The source of this test lists no table.
  expect(world.done).toEqual(["clear run"]);
});
