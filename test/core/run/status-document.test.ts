/** A status put together of what a process and its checkpoint say. */
import { describe, expect, test } from "bun:test";
import { fakeTable } from "../../fakes/progress.ts";
import { createProgress, type Progress, type TableProgress } from "../../../core/progress/progress.ts";
import { createStreamProgress } from "../../../core/progress/stream-progress.ts";
import { describeRun, type RunStatus } from "../../../core/progress/run-status.ts";
import type { TableStanding } from "../../../core/checkpoint/standing.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import type { KeptStatus } from "../../../core/run/status.ts";
import { describeStatus, type Look, type StatusDocument } from "../../../core/run/status-document.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const SECOND = 1000;
const PLACES = {
  source: "AWS, us-east-2",
  target: "mongodb://h",
  checkpoint: "mongodb://h, shop-checkpoint",
};
const IDENTITY = { id: "shop", version: "1.2.3", syncMode: "all", ...PLACES } as const;
const START = { does: "go on", text: "a start goes on" } as const;
const RUN = { id: "1", settings: {}, startedAt: "2026-11-26T10:00:00.000Z" };

function shard(id: string, more: Partial<ShardNote> = {}): ShardNote {
  return { id, status: "running", position: { at: "sequence", number: "400", inclusive: false }, ...more };
}

function standing(name: string, more: Partial<TableStanding> = {}): TableStanding {
  const state = { stage: "done", targetName: name, units: 4, indexes: 2 } as const;
  const counts = { segmentsDone: 4, read: 100, filtered: 10, overflowed: 0, bytes: 5000 };
  return { name, state, ...counts, shards: undefined, ...more };
}

function kept(more: Partial<KeptStatus> = {}): KeptStatus {
  const none = { strays: [], isComplete: true, savedAt: NOW - 5 * SECOND, lease: undefined, start: START };
  return { run: RUN, tables: [], ...none, ...more };
}

function live(progress: Partial<Progress>, tables: TableProgress[] = []): RunStatus {
  const all = { ...createProgress(), ...progress, tables: new Map(tables.map((each) => [each.name, each])) };
  return describeRun({ ...IDENTITY, pid: 7, host: "here" }, all, NOW);
}

function document(look: Partial<Look>): StatusDocument {
  const none = { kept: undefined, live: undefined, changesPerSecond: undefined, pid: undefined };
  return describeStatus({ identity: IDENTITY, now: NOW, ...none, named: [], problems: [], ...look });
}

const lease = (more: object = {}): KeptStatus["lease"] => ({
  host: "there",
  pid: 5,
  since: RUN.startedAt,
  age: 2 * SECOND,
  alive: true,
  known: false,
  ...more,
});

describe("of no process", () => {
  test("before the first run nothing has begun, and the named tables wait", () => {
    const found = document({ kept: kept({ run: undefined, savedAt: undefined }), named: ["a"] });
    expect(found).toMatchObject({
      running: false,
      pid: null,
      phase: "none",
      lagSeconds: null,
      savedAt: null,
      lease: null,
      start: START,
      switchOver: { good: false, text: "no, nothing runs" },
      remains: { copy: ["a"], index: ["a"] },
    });
    expect(found.tables).toEqual([expect.objectContaining({ name: "a", state: "waiting", segments: null })]);
  });

  test("in the full phase segments and items are counted, and what is left is named", () => {
    const copying = { stage: "copying", targetName: "b", units: 4 } as const;
    const indexing = { stage: "indexing", targetName: "c", units: 1 } as const;
    const tables = [
      standing("a"),
      standing("b", { state: copying, segmentsDone: 1, read: 7, filtered: 2 }),
      standing("c", { state: indexing, segmentsDone: 1 }),
    ];
    const found = document({ kept: kept({ tables }), named: ["a", "d"] });
    expect(found.phase).toBe("full");
    expect(found.savedAt).toBe("2026-11-26T11:59:55.000Z");
    expect(found.tables.map(({ name, state, segments }) => [name, state, segments])).toEqual([
      ["a", "done", { done: 4, all: 4 }],
      ["b", "copying", { done: 1, all: 4 }],
      ["c", "indexing", { done: 1, all: 1 }],
      ["d", "waiting", null],
    ]);
    expect(found.tables[1]).toMatchObject({ read: 7, written: 5, filtered: 2, share: null });
    expect(found.remains).toEqual({ copy: ["b", "d"], index: ["b", "c", "d"] });
    expect(found.lagSeconds).toBeNull();
  });

  test("in the incremental phase it is as far behind as its open shard that is most behind", () => {
    const shards = [
      shard("s1", { notedAt: NOW - 3 * SECOND, time: NOW - 60 * SECOND, updatedAt: NOW - 3 * SECOND }),
      shard("s2", { notedAt: NOW - 90 * SECOND, time: NOW - 8 * SECOND }),
      shard("s3", { status: "done", notedAt: NOW - 900 * SECOND }),
    ];
    const run = { ...RUN, copiedAt: "2026-11-26T11:00:00.000Z", followed: true };
    const found = document({ kept: kept({ run, tables: [standing("a", { shards })] }) });
    expect(found).toMatchObject({ phase: "incr", lagSeconds: 8, copiedAt: run.copiedAt });
    expect(found.tables[0]!.state).toBe("done");
    expect(found.tables[0]!.stream!.shards).toEqual([
      expect.objectContaining({
        id: "s1",
        lagSeconds: 3,
        recordAgeSeconds: 60,
        savedAt: "2026-11-26T11:59:57.000Z",
      }),
      expect.objectContaining({ id: "s2", lagSeconds: 8, recordAgeSeconds: 8, sequenceNumber: "400" }),
      expect.objectContaining({ id: "s3", lagSeconds: null, status: "done" }),
    ]);
    // Of a table that isn't followed yet nobody knows how far it is.
    const two = [standing("a", { shards }), standing("b")];
    expect(document({ kept: kept({ run, tables: two }) }).lagSeconds).toBeNull();
  });

  test("a copy that is over is done; a lease of a dead process is told", () => {
    const run = { ...RUN, copiedAt: RUN.startedAt, finishedAt: RUN.startedAt };
    const found = document({ kept: kept({ run, lease: lease({ alive: false }) }) });
    expect(found).toMatchObject({
      phase: "done",
      running: false,
      pid: null,
      lease: { pid: 5, alive: false },
    });
  });
});

describe("of a process", () => {
  test("elsewhere it is what the checkpoint says, and nobody here knows whether to switch over", () => {
    const shards = [shard("s1", { notedAt: NOW - 3 * SECOND })];
    const run = { ...RUN, copiedAt: RUN.startedAt, followed: true };
    const found = document({ kept: kept({ run, lease: lease(), tables: [standing("a", { shards })] }) });
    expect(found).toMatchObject({
      running: true,
      answered: false,
      pid: 5,
      host: "there",
      start: null,
      lagSeconds: 3,
      switchOver: { good: false, text: "unknown, its process can't be asked from here" },
    });
    expect(found.tables[0]!.state).toBe("following");
  });

  test("that has only its pid file here, it runs", () => {
    expect(document({ pid: 9, kept: kept() })).toMatchObject({
      running: true,
      answered: false,
      pid: 9,
      start: null,
    });
  });

  test("that answers, it is what that says, with what only the checkpoint knows", () => {
    const stream = createStreamProgress();
    stream.written = 12;
    const at = NOW - SECOND / 2;
    stream.shards.set("s2", { id: "s2", caughtUpAt: at, settledAt: at, savedAt: at });
    const table = fakeTable({ name: "a", state: "following", written: 90, stream });
    const shards = [
      shard("s1", { status: "done" }),
      shard("s2", { notedAt: NOW - 9 * SECOND }),
      shard("s3", { status: "waiting" }),
    ];
    const found = document({
      kept: kept({ tables: [standing("a", { shards }), standing("left out since")] }),
      live: live({ phase: "incr" }, [table]),
      changesPerSecond: 3,
    });
    expect(found).toMatchObject({
      running: true,
      answered: true,
      pid: 7,
      phase: "incr",
      lagSeconds: 0.5,
      changesPerSecond: 3,
      switchOver: { good: true, text: "yes" },
    });
    expect(found.tables.map(({ name }) => name)).toEqual(["a"]);
    expect(found.tables[0]).toMatchObject({
      segments: { done: 4, all: 4 },
      stream: { written: 12, lagSeconds: 0.5 },
    });
    expect(
      found.tables[0]!.stream!.shards.map(({ id, status, lagSeconds, sequenceNumber }) => [
        id,
        status,
        lagSeconds,
        sequenceNumber,
      ]),
    ).toEqual([
      ["s1", "done", null, "400"],
      ["s2", "running", 0.5, "400"],
      ["s3", "waiting", null, "400"],
    ]);
    // A shard that was at its tip when the run was paused isn't there any more when it goes on.
    const paused = document({ live: live({ phase: "incr", paused: true }, [table]) });
    expect(paused.switchOver).toMatchObject({ good: false, text: "no, the run is paused" });
  });

  test("what holds up a switch-over is named", () => {
    const tables = ["a", "b", "c", "d", "e"].map((name) => fakeTable({ name, state: "copying" }));
    expect(document({ live: live({ phase: "full" }, tables) }).switchOver.text).toBe(
      "no, the copy isn't done",
    );
    expect(document({ live: live({ phase: "incr" }, tables) }).switchOver.text).toBe(
      "no, it waits for a, b, c and 2 more",
    );
    const full = { ...IDENTITY, syncMode: "full" } as const;
    const text = "no, nothing is followed with sync_mode = full";
    expect(document({ identity: full, live: live({ phase: "full" }, tables) }).switchOver.text).toBe(text);
  });
});
