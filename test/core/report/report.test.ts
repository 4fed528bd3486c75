/** The report of a run: its counts after a resume, its times, and what is left to do. */
import { describe, expect, test } from "bun:test";
import { createStreamProgress } from "../../../core/progress/stream-progress.ts";
import { leftToDo } from "../../../core/report/left-to-do.ts";
import { makeReport, type ReportInput } from "../../../core/report/report.ts";
import type { Verdict } from "../../../core/verify/verify.ts";
import { testConfig } from "../../fakes/context.ts";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = 1000;

const identity = {
  id: "shop",
  version: "1.2.3",
  syncMode: "full",
  source: "AWS, us-east-2",
  target: "db",
  checkpoint: "files",
  pid: 7,
  host: "here",
} as const;

function inputOf(tables: FakeTable[], more: Partial<ReportInput> = {}): ReportInput {
  return {
    identity,
    config: testConfig({ id: "shop" }),
    progress: fakeProgress(NOW, tables),
    outcome: { kind: "done" },
    endedAt: NOW + 20 * SECOND,
    runtime: "Bun 1",
    usage: { seconds: 20, cpuSeconds: 7, idleSeconds: 13, peakBytes: 1024 },
    ...more,
  };
}

/** A table that an earlier process had copied half of. */
const resumed: FakeTable = {
  name: "orders",
  state: "done",
  read: 1000,
  filtered: 100,
  written: 900,
  overflowed: 9,
  bytes: 50_000,
  resumed: 600,
  resumedBytes: 30_000,
  resumedFiltered: 50,
  resumedOverflowed: 4,
  startedAt: NOW + SECOND,
  indexingAt: NOW + 5 * SECOND,
  finishedAt: NOW + 7 * SECOND,
};

const following = (name: string, lag: number | undefined, more: FakeTable = { name }): FakeTable => ({
  ...more,
  name,
  state: "following",
  stream: {
    ...createStreamProgress(),
    startedAt: NOW,
    read: 30,
    written: 30,
    shards: new Map([
      ["s", { id: "s", caughtUpAt: lag === undefined ? undefined : NOW + 10 * SECOND - lag }],
    ]),
  },
});

const stopped = {
  kind: "stopped",
  signal: "SIGTERM",
  at: new Date(NOW + 10 * SECOND).toISOString(),
} as const;
const switched = { kind: "switched over", at: new Date(NOW).toISOString(), changesAfter: 2 } as const;

const isoAt = (after: number): string => new Date(NOW + after).toISOString();

function textsOf(input: ReportInput): string {
  return leftToDo(input)
    .map(({ kind, text }) => `${kind}: ${text}`)
    .join("\n");
}

describe("counts", () => {
  test("are the migration's, and this process's beside them; rates are this process's", () => {
    const [table] = makeReport(inputOf([resumed])).tables;
    expect(table).toMatchObject({ read: 1000, written: 900, filtered: 100, overflowed: 9, resumed: true });
    expect(table!.thisProcess).toMatchObject({
      read: 400,
      written: 350,
      filtered: 50,
      overflowed: 5,
      bytes: 20_000,
      seconds: 6,
      itemsPerSecond: 100,
      bytesPerSecond: 5000,
    });
  });

  test("a table that was finished before has no rate", () => {
    const done = { ...resumed, read: 600, written: 550, filtered: 50, bytes: 30_000, startedAt: undefined };
    const [table] = makeReport(inputOf([done as FakeTable])).tables;
    expect(table!.thisProcess).toMatchObject({ read: 0, written: 0, bytes: 0, itemsPerSecond: null });
  });

  test("are added up, and changes are counted apart", () => {
    const { totals } = makeReport(inputOf([resumed, following("users", 0), { ...resumed, name: "items" }]));
    expect(totals).toMatchObject({ tables: 3, copied: 3, read: 2000, written: 1800, overflowed: 18 });
    expect(totals.changes).toEqual({ read: 30, written: 30, overflowed: 0 });
  });

  test("where the time went is there when something was read", () => {
    const times = { fetchMs: 1500, convertMs: 250.4, writeMs: 0 };
    const stages = { fetchSeconds: 1.5, convertSeconds: 0.25, writeSeconds: 0 };
    const users = following("users", 0);
    const report = makeReport(
      inputOf([
        { ...resumed, times },
        { ...users, stream: { ...users.stream!, times } },
      ]),
    );
    expect(report.tables[0]!.thisProcess.stages).toEqual(stages);
    expect(report.tables[1]!.thisProcess.stages).toBeNull();
    expect(report.tables[1]!.changes!.stages).toEqual(stages);
    expect(report.process).toEqual({ seconds: 20, cpuSeconds: 7, idleSeconds: 13, peakBytes: 1024 });
  });

  test("durations are from the first table's beginning to the last one's end", () => {
    const later = { ...resumed, name: "b", startedAt: NOW + 3 * SECOND, indexingAt: NOW + 9 * SECOND };
    const tables = [resumed, { ...later, finishedAt: NOW + 12 * SECOND }];
    const verified = { verdict: verdict(), at: NOW + 15 * SECOND };
    expect(makeReport(inputOf(tables, { verified })).durations).toEqual({
      copySeconds: 8,
      indexSeconds: 7,
      verifySeconds: 3,
    });
    expect(makeReport(inputOf([])).durations).toEqual({
      copySeconds: null,
      indexSeconds: null,
      verifySeconds: null,
    });
  });
});

function verdict(more: Partial<Verdict> = {}): Verdict {
  return { tables: new Map(), first: [], faults: 0, path: "/w/shop-diff.jsonl", isDifferent: false, ...more };
}

test("it says what it is: format, versions, times, and the configuration without secrets", () => {
  const config = testConfig({ "target.address": "mongodb://u:hunter22@h" });
  const report = makeReport(inputOf([resumed], { config, fullDoneAt: NOW + 8 * SECOND }));
  expect(report).toMatchObject({
    format: 1,
    id: "shop",
    startedAt: "2026-01-01T00:00:00.000Z",
    fullDoneAt: "2026-01-01T00:00:08.000Z",
    endedAt: "2026-01-01T00:00:20.000Z",
    seconds: 20,
    versions: { nimoShake: "1.2.3", runtime: "Bun 1", target: null },
    verify: null,
    appliedUntil: null,
  });
  expect(JSON.stringify(report)).not.toContain("hunter22");
});

test("what lags is looked at when the signal came, not when all was closed", () => {
  const { tables } = makeReport(inputOf([following("a", 3000)], { outcome: stopped }));
  expect(tables[0]!.changes).toMatchObject({ lagSeconds: 3, seconds: 10, changesPerSecond: 3 });
});

test("it says until when all changes are surely applied, and that later ones may not be", () => {
  const settled = (name: string, from: number | undefined): FakeTable => {
    const table = following(name, 100);
    const at = from === undefined ? undefined : NOW + 10 * SECOND - 100;
    for (const shard of table.stream!.shards.values())
      Object.assign(shard, { settledAt: at, settledFrom: from && NOW + from });
    return table;
  };
  const input = (...tables: FakeTable[]): ReportInput => inputOf(tables, { outcome: stopped });
  const known = input(settled("a", 7000), settled("b", 5000));
  expect(makeReport(known).appliedUntil).toBe("2026-01-01T00:00:05.000Z");
  expect(textsOf(known)).toContain(
    "go on: changes made after 2026-01-01T00:00:05.000Z may not be applied yet\n",
  );
  // A pause, or a stop that took its time, takes nothing back.
  expect(makeReport({ ...known, outcome: { ...stopped, at: isoAt(60_000) } }).appliedUntil).toBe(isoAt(5000));

  const parent = settled("b", 5000);
  parent.stream!.waiting.add("parent");
  for (const unknown of [
    input(settled("a", 7000), settled("b", undefined)),
    input(parent),
    input({ name: "a" }),
  ])
    expect(makeReport(unknown).appliedUntil).toBeNull();
  const over = inputOf([settled("a", 5000)], { outcome: { ...switched, at: isoAt(9000) } });
  expect(makeReport(over).appliedUntil).toBe(isoAt(9000));
});

describe("what is left to do", () => {
  const all = testConfig({ id: "shop", sync_mode: "all" });

  test("after a stop: what isn't copied, what isn't applied, until when it has to go on", () => {
    const tables = [
      following("a", 61_000),
      following("b", undefined),
      { name: "c", state: "copying" } as const,
    ];
    const text = textsOf(inputOf(tables, { config: all, outcome: stopped }));
    expect(text).toContain("go on: not copied yet: c\n");
    expect(text).toContain("go on: changes may not be applied yet: a, 61 s behind, b, not caught up\n");
    expect(text).toContain(
      "start it again in the same way: it goes on where it stopped; before 2026-01-01T23:00:10",
    );
    expect(text).toContain("keep the checkpoint until then");
    expect(text).not.toContain("\nthen: ");
  });

  test("without streams there is no hurry", () => {
    const text = textsOf(inputOf([{ name: "c" }], { outcome: stopped }));
    expect(text).toContain("start it again in the same way: it goes on where it stopped\n");
  });

  test("after a failure its hint comes first", () => {
    const outcome = { kind: "failed", code: "TARGET_FAILED", message: "no", hint: "make room" } as const;
    expect(textsOf(inputOf([{ name: "c", state: "failed" }], { outcome }))).toStartWith(
      "go on: see to what it failed with: make room\ngo on: not copied yet: c\n",
    );
  });

  test("what somebody has to look at, each by its table", () => {
    const notes = {
      overflowedKeys: [{ pk: { S: "a" } }],
      skipReasons: [],
      indexes: [],
      indexesLeftOut: new Map([["byDay", "full.enable_index.user = false"]]),
      renamedTo: "orders_old",
    };
    const verified = { verdict: verdict({ isDifferent: true, faults: 3 }), at: NOW };
    const text = textsOf(inputOf([{ ...resumed, skipped: 2, notes }], { verified }));
    expect(text).toContain("look: records left out, in shop-skipped.jsonl: 2");
    expect(text).toContain('look: numbers not held exactly in orders: 9, such as in {"pk":{"S":"a"}}');
    expect(text).toContain(
      "look: the index byDay of orders is not there as planned: full.enable_index.user = false",
    );
    expect(text).toContain("look: source and target differ, see /w/shop-diff.jsonl");
    expect(text).toContain("then: what was at the target before is still there");
    expect(text).toContain("orders_old");
    expect(text).toContain("sync_mode = full follows no streams");
  });

  test("after a switch-over: who still writes, and what follows it", () => {
    const text = textsOf(inputOf([following("a", 0)], { config: all, outcome: switched }));
    expect(text).toContain(
      "look: changes made at the source after 2026-01-01T00:00:00.000Z: 2; somebody still",
    );
    expect(text).toContain("look: nobody has compared the two sides");
    expect(text).toContain("then: let the application use the target");
    expect(text).toContain("then: the tables' streams are still enabled");
    expect(text).not.toContain("go on:");
    const equal = inputOf([], { config: all, outcome: switched, verified: { verdict: verdict(), at: NOW } });
    expect(textsOf(equal)).not.toContain("compared");
  });
});
