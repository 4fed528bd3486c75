/** What a check finds, and that it finds all of it. */
import { describe, expect, test } from "bun:test";
import { exitOf, type Plan } from "../../../core/check/plan.ts";
import { type ErrorCode, MigrationError } from "../../../core/errors.ts";
import type { Checkpoint, Holder } from "../../../core/plugin/roles.ts";
import { checked } from "../../fakes/check.ts";
import { memoryCheckpoint, memorySource, testTable } from "../../fakes/context.ts";

const named = (name: string, more: object = {}) =>
  testTable("pk", undefined, { name, targetName: name, id: `id of ${name}`, ...more });
const away = (code: ErrorCode) => async (): Promise<never> => {
  throw new MigrationError(code, `${code}, nobody answers`, { hint: "see to it" });
};
/** Every table is read in one segment. */
const { tables: _, ...oneSegment } = memorySource([() => []]);
const codes = ({ problems }: Plan): string[] => problems.map(({ code }) => code);

/** A checkpoint in which a run of these settings has left states. */
function left(states: Record<string, object>): Checkpoint {
  const checkpoint = memoryCheckpoint();
  for (const [name, state] of Object.entries(states)) {
    checkpoint.states.set(name, new Map([[name === "run" ? "run" : "table", state]]));
  }
  return checkpoint;
}

describe("a fresh start", () => {
  test("copies what isn't there, and nothing is changed", async () => {
    const { plan, changes } = await checked({ tables: [named("a"), named("b")], source: oneSegment });
    expect(changes).toEqual([]);
    expect(plan.start).toEqual({ does: "copy", refused: false, text: "begins anew: copies 2 tables" });
    expect(plan.tables.map(({ action, existing }) => [action, existing])).toEqual([
      ["copy", "nothing is there"],
      ["copy", "nothing is there"],
    ]);
    expect(plan.tables[0]!.indexes).toEqual([
      { name: "pk_1", unique: true, origin: "primary" },
      { name: "pk_hashed", unique: false, origin: "primary" },
    ]);
    expect(exitOf(plan)).toBe(0);
  });

  test.each([
    ["", "refused", ["TARGET_EXISTS"], 2],
    ["drop", "dropped", [], 0],
    ["rename", "renamed", [], 0],
  ])("target.db.exist = %p: what is there is %s", async (exist, existing, problems, exit) => {
    const { plan } = await checked({
      tables: [named("a")],
      source: oneSegment,
      target: { find: async () => "theirs" },
      settings: { "target.db.exist": exist },
    });
    expect(plan.tables[0]!.existing).toBe(existing as never);
    expect(codes(plan)).toEqual(problems as never);
    expect(exitOf(plan)).toBe(exit);
    const warned = plan.warnings.some((each) => each.includes("deletes a of database shop"));
    expect(warned).toBe(exist === "drop");
  });

  test("hooks act as in a run, but that none hears of an end", async () => {
    let ends = 0;
    const { plan } = await checked({
      tables: [named("a"), named("b")],
      source: oneSegment,
      plugins: [
        {
          name: "hooks",
          setup(ctx) {
            ctx.hook("setup", (e) => void (e.tables = e.tables.slice(1)));
            ctx.hook("table:before", (e) => void (e.table.targetName = "other"));
            ctx.hook("index:before", (e) => void e.indexes.pop());
            ctx.hook("close", () => void ends++);
          },
        },
      ],
    });
    expect(plan.tables).toMatchObject([{ name: "b", targetName: "other", indexes: [{ name: "pk_1" }] }]);
    expect(plan.tables[0]!.indexes).toHaveLength(1);
    expect(ends).toBe(0);
  });
});

describe("going on", () => {
  const run = { id: "r", settings: {}, startedAt: "2026-01-01T00:00:00.000Z" };
  const state = (stage: string, made?: string) => ({
    run: "r",
    stage,
    targetName: "x",
    units: 2,
    ...(made && { made }),
  });

  test("says what is done, and with how many segments", async () => {
    const { plan } = await checked({
      tables: ["a", "b", "c"].map((name) => named(name)),
      source: { units: (table, count = 1) => memorySource(Array(count).fill(() => [])).units(table) },
      target: { find: async ({ name }) => (name === "c" ? undefined : `made ${name}`) },
      checkpoint: left({
        run,
        "table:a": { ...state("done", "made a"), targetName: "a" },
        "table:b": { ...state("copying", "made b"), targetName: "b" },
      }),
    });
    expect(codes(plan)).toEqual(["CHECKPOINT_MISMATCH"]);
    expect(plan.problems[0]!.message).toContain("other settings");
    expect(plan.tables.map(({ name, action, segments }) => [name, action, segments])).toEqual([
      ["a", "nothing", 2],
      ["b", "go on", 2],
      ["c", "copy", 1],
    ]);
    expect(plan.start).toEqual({
      does: "go on",
      refused: true,
      text: "goes on with the run of 2026-01-01T00:00:00.000Z: copies 1 table, goes on copying 1 table",
    });
  });

  test("all that doesn't go together is said at once", async () => {
    const { plan } = await checked({
      tables: ["a", "b", "c"].map((name) => named(name)),
      source: oneSegment,
      target: { find: async ({ name }) => `another ${name}` },
      checkpoint: left({
        run,
        "table:a": { ...state("done", "made a"), targetName: "a" },
        "table:b": { ...state("copying", "made b"), targetName: "other" },
        "table:c": { ...state("copying", "another c"), targetName: "c", source: "another id" },
      }),
    });
    const messages = plan.problems.map(({ message }) => message.split(":")[0]);
    expect(messages).toEqual([
      "the run to go on with was begun under other settings",
      "table b went to other when the run began, and would go to b now",
      "table c was deleted and made anew at the source since the run began",
      "a, which this migration had begun to fill, is another one now",
      "b, which this migration had begun to fill, is another one now",
    ]);
    expect(exitOf(plan)).toBe(2);
  });
});

describe("a side that can't be asked", () => {
  test("the source: the target's part is there", async () => {
    const { plan } = await checked({
      source: { tables: away("SOURCE_UNREACHABLE") },
      target: { inspect: async () => ({ product: "MongoDB", version: "7.0", rights: [] }) },
    });
    expect(codes(plan)).toEqual(["SOURCE_UNREACHABLE"]);
    expect(plan.source.reached).toBe(false);
    expect(plan.target).toMatchObject({ reached: true, product: "MongoDB", version: "7.0" });
    expect(plan.start.does).toBe("unknown");
    expect(exitOf(plan)).toBe(1);
  });

  test("the target: the source's part is there, and the failure is said once", async () => {
    const fails = away("TARGET_UNREACHABLE");
    const { plan } = await checked({
      tables: [named("a"), named("b")],
      source: oneSegment,
      target: { inspect: fails, check: fails, find: fails },
    });
    expect(codes(plan)).toEqual(["TARGET_UNREACHABLE"]);
    expect(plan.tables.map(({ name, action }) => [name, action])).toEqual([
      ["a", null],
      ["b", null],
    ]);
    expect(exitOf(plan)).toBe(1);
  });

  test("the checkpoint: both sides are there", async () => {
    const checkpoint = { ...memoryCheckpoint(), load: away("CHECKPOINT_FAILED") };
    const { plan } = await checked({ tables: [named("a")], source: oneSegment, checkpoint });
    expect(codes(plan)).toEqual(["CHECKPOINT_FAILED"]);
    expect(plan.tables).toHaveLength(1);
    expect(plan.start).toMatchObject({ does: "unknown", refused: false });
  });

  test("one table of several: the others are there, and that it is missing isn't said again", async () => {
    const tables = async (_: AbortSignal, attempt?: (step: () => never) => Promise<unknown>) => {
      await attempt!(() => {
        throw new MigrationError("SOURCE_DENIED", "DescribeTable of table b");
      });
      return [named("a")];
    };
    const { plan } = await checked({ source: { ...oneSegment, tables: tables as never } });
    expect(codes(plan)).toEqual(["SOURCE_DENIED"]);
    expect(plan.tables.map(({ name }) => name)).toEqual(["a"]);
  });
});

describe("rights", () => {
  const right = (action: string, state: "granted" | "missing", isNeeded: boolean) => ({
    action,
    on: ["a", "b"],
    state,
    purpose: "read the items",
    isNeeded,
  });

  test("one that is missing and needed refuses a start, with what it is for", async () => {
    const rights = [
      right("dynamodb:Scan", "missing", true),
      right("dynamodb:BatchGetItem", "missing", false),
      right("dynamodb:DescribeTable", "granted", true),
    ];
    const { plan } = await checked({
      tables: [named("a")],
      source: { ...oneSegment, inspect: async () => ({ tables: new Map(), rights }) },
    });
    expect(plan.problems).toEqual([
      {
        code: "SOURCE_DENIED",
        message: "not granted, and needed to read the items: dynamodb:Scan on a, b",
        hint: "allow these actions to the source's credentials",
        refuses: true,
      },
    ]);
    expect(plan.rights).toHaveLength(3);
    expect(exitOf(plan)).toBe(2);
  });
});

test("a spool that can't be written is one of them", async () => {
  const settings = {
    sync_mode: "all",
    incr_sync_parallel: "true",
    "increase.persist.dir": "./package.json/x",
  };
  const { plan } = await checked({
    tables: [named("a")],
    source: oneSegment,
    target: { apply: async () => ({ inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 }) },
    settings,
  });
  expect(plan.problems[0]!.message).toContain("needed to spool changes: write on ");
});

describe("streams", () => {
  test("which are there, which would be enabled, which can't be followed", async () => {
    const refusal = new MigrationError("STREAM_UNFIT", "its stream has KEYS_ONLY: table c");
    const { plan, changes } = await checked({
      tables: [named("a", { stream: "arn" }), named("b"), named("c")],
      source: {
        ...oneSegment,
        inspect: async () => ({ tables: new Map([["c", { streamView: "KEYS_ONLY" }]]), rights: [] }),
      },
      streams: { inspect: async () => ({ toEnable: ["b"], refusals: [refusal], rights: [] }) },
      target: { apply: async () => ({ inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 }) },
      settings: { sync_mode: "all" },
    });
    expect(changes).toEqual([]);
    expect(plan.tables.map(({ stream }) => stream.state)).toEqual(["on", "to be enabled", "unfit"]);
    expect(codes(plan)).toEqual(["STREAM_UNFIT"]);
    expect(plan.start.text).toBe("begins anew: copies 3 tables, then follows their streams");
  });

  test("a full phase of half a day and more is warned of, with what to do", async () => {
    const settings = { sync_mode: "all", "qps.full": "1", "qps.full.batch_num": "128" };
    const scene = {
      tables: [named("a", { itemCount: 1e7, sizeBytes: 1e9 })],
      source: oneSegment,
      target: { apply: async () => ({ inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 }) },
    };
    const { plan } = await checked({ ...scene, settings });
    const isAbout = (each: string): boolean => each.includes("incr_sync_parallel = true");
    expect(plan.warnings.filter(isAbout)).toEqual([
      "the full phase takes at least 22 h, and a stream keeps changes for 24 h: set incr_sync_parallel = true, or raise what limits it (qps.full = 1)",
    ]);
    const spooled = await checked({ ...scene, settings: { ...settings, incr_sync_parallel: "true" } });
    expect(spooled.plan.warnings.filter(isAbout)).toEqual([]);
    expect(
      plan.warnings.some((each) => each.includes("qps.full.batch_num = 128 a page of a has 13 KB")),
    ).toBe(true);
  });
});

describe("the lease", () => {
  const holder = (more: Partial<Holder>): Holder => ({
    host: "elsewhere",
    system: "another",
    pid: 1,
    token: "t",
    since: "2026-01-01T00:00:00.000Z",
    ...more,
  });
  const leased = (...ages: number[]): Checkpoint => ({
    ...memoryCheckpoint(),
    lease: {
      claim: away("INTERNAL"),
      renew: away("INTERNAL"),
      release: away("INTERNAL"),
      find: async () => ({ holder: holder({}), age: ages.length > 1 ? ages.shift()! : ages[0]! }),
    },
  });

  test.each<[string, Checkpoint, string | undefined, string[]]>([
    ["that is renewed while it is looked at", leased(3000, 3250, 100), "running", ["ALREADY_RUNNING"]],
    ["that has expired", leased(31_000), "expired", []],
    ["that nobody has", memoryCheckpoint(), undefined, []],
  ])("one %s", async (_, checkpoint, state, problems) => {
    const { plan } = await checked({ tables: [named("a")], source: oneSegment, checkpoint });
    expect(plan.checkpoint.lease?.state).toBe(state as never);
    expect(codes(plan)).toEqual(problems as never);
  });
});
