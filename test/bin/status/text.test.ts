/** A status for people. */
import { describe, expect, test } from "bun:test";
import { statusLines } from "../../../bin/status/text.ts";
import { describeStatus, type StatusDocument, type TableEntry } from "../../../core/run/status-document.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const TABLE = { read: 0, written: 0, filtered: 0, bytes: 0, share: null, segments: null, stream: null };

/** A status of nothing, with what a test wants to say. */
function status(more: Partial<StatusDocument>): StatusDocument {
  const places = { source: "AWS", target: "mongodb://h", checkpoint: "files" };
  const identity = { id: "shop", version: "1.2.3", syncMode: "all", ...places } as const;
  const none = { kept: undefined, live: undefined, changesPerSecond: undefined, pid: undefined };
  return { ...describeStatus({ identity, now: NOW, ...none, named: [], problems: [] }), ...more };
}

/** A table of so many shards, every tenth of which is open. */
function followed(name: string, lagSeconds: number | null, shards = 1): TableEntry {
  const all = Array.from({ length: shards }, (_, n) => ({
    id: `shard-${n}`,
    parent: null,
    status: n % 10 === 0 ? ("running" as const) : ("done" as const),
    lagSeconds: n % 10 === 0 ? n : null,
    recordAgeSeconds: null,
    sequenceNumber: String(n),
    savedAt: null,
    notedAt: null,
  }));
  return { ...TABLE, name, state: "following", share: 1, stream: { lagSeconds, written: 5, shards: all } };
}

describe("a status", () => {
  test("of nothing says so", () => {
    const start = { does: "begin", text: "nothing has run yet: a start begins with copying" } as const;
    expect(statusLines(status({ start }))).toEqual([
      "nimo-shake 1.2.3, id = shop: not running",
      "sync_mode: all",
      "source: AWS",
      "target: mongodb://h",
      "checkpoint: files",
      "phase: not begun",
      "last save: never",
      "lease: nobody has it",
      "switch over: no, nothing runs",
      start.text,
    ]);
  });

  test("has what most wants to be seen first, in aligned columns", () => {
    const tables: TableEntry[] = [
      { ...TABLE, name: "done", state: "done", share: 1, segments: { done: 4, all: 4 }, read: 1234 },
      { ...TABLE, name: "waiting", state: "waiting" },
      followed("a", 0.2),
      followed("b", 0.9),
      followed("far", 75),
      followed("unknown", null),
      {
        ...TABLE,
        name: "copying",
        state: "copying",
        share: 0.999,
        segments: { done: 1, all: 4 },
        read: 7,
        itemCount: 1000,
      },
    ];
    const lines = statusLines(status({ tables, phase: "full" }));
    const at = lines.findIndex((line) => line.startsWith("table"));
    expect(lines.slice(at, at + 8)).toEqual([
      "table    state      segments   read  expected  copied  changes  behind",
      "copying  copying      1 of 4      7    ~1,000     99%",
      "unknown  following                               100%        5  not caught up",
      "far      following                               100%        5  1m 15s",
      "a        following                               100%        5  <1s",
      "b        following                               100%        5  <1s",
      "waiting  waiting",
      "done     done         4 of 4  1,234              100%",
    ]);
  });

  test("of many tables and shards is short, and says how many there are", () => {
    const tables = Array.from({ length: 60 }, (_, n) => followed(`t${n}`, n, n === 0 ? 500 : 1));
    const lines = statusLines(status({ tables, phase: "incr" }));
    expect(lines.length).toBeLessThan(50);
    expect(lines).toContain("… and 40 more: 40 following");
    expect(lines).toContain("559 shards: 109 running, 450 done; those most behind are shown");
    const shards = lines.filter((line) => line.startsWith("shard-"));
    expect(shards).toHaveLength(10);
    expect(shards[0]).toMatch(/^shard-490 +t0 +running +490 .*8m 10s$/);
    expect(
      statusLines(status({ tables }), { tables: 2, shards: 0 }).filter((line) => /^(t\d|shard-)/.test(line)),
    ).toHaveLength(2);
  });

  test("lets no name do anything to a terminal", () => {
    const name = "evil\u001B[2J\u0007\r\n\u202Ename";
    const lines = statusLines(
      status({
        tables: [{ ...followed(name, 1), name }],
        remains: { copy: [name], index: [] },
        problems: [name],
        phase: "full",
        lastError: { code: "SOURCE_FAILED", message: name, at: "" },
        lease: { pid: 1, host: name, since: name, ageSeconds: 1, alive: true },
        switchOver: { good: false, waitsFor: [name], text: name },
      }),
    );
    // oxlint-disable-next-line no-control-regex
    expect(lines.filter((line) => /[\u0000-\u001F\u007F\u202E]/.test(line))).toEqual([]);
    expect(lines.join("\n")).toContain("evil");
  });

  test.each<[string, Partial<StatusDocument>, string]>([
    ["after a switch-over", { phase: "incr", switchedOverAt: "2026-11-26T11:59:55Z" }, "switched over"],
    ["that was stopped", { phase: "incr" }, "incremental, stopped, 5s behind"],
    ["whose copy was stopped", { phase: "full", lagSeconds: null }, "full, stopped"],
    [
      "that runs",
      { phase: "incr", running: true, answered: true },
      "incremental, following the changes, 5s behind",
    ],
  ])("of a migration %s says so", (_, more, text) => {
    expect(statusLines(status({ lagSeconds: 5, ...more }))).toContain(`phase: ${text}`);
  });

  test("of a process tells how it goes", () => {
    const lines = statusLines(
      status({
        running: true,
        answered: true,
        paused: true,
        pid: 7,
        host: "here",
        startedAt: "2026-11-26T11:00:00Z",
        phase: "full",
        itemsPerSecond: 1500,
        etaSeconds: 90,
        savedAt: "2026-11-26T11:59:58Z",
        errors: { SOURCE_THROTTLED: 3 },
        remains: { copy: ["a"], index: ["a", "b"] },
      }),
    );
    expect(lines[0]).toBe(
      "nimo-shake 1.2.3, id = shop: paused as process 7 on host here since 2026/11/26 11:00:00 UTC",
    );
    expect(lines).toContain("phase: full, copying, 1,500 items/s, ETA 1m 30s");
    expect(lines).toContain("last save: 2026/11/26 11:59:58 UTC, 2s ago");
    expect(lines).toContain("calls that failed and were made again: SOURCE_THROTTLED 3×");
    expect(lines).toContain("left to copy: 1 table, a");
    expect(lines).toContain("left to build indexes for: 1 table, b");
  });

  test.each([120, 80, 60, 50])("fits a terminal of %d columns, and cuts no number", (width) => {
    const long = "orders-of-the-whole-of-europe-since-the-beginning-of-time-eu-west-1";
    const read = { share: 0.5, itemCount: 123_456_789, read: 61_728_394 };
    const tables: TableEntry[] = [
      { ...TABLE, ...read, name: "few", state: "copying" },
      followed(long, 5),
      followed(`${long}-2`, 3),
    ];
    for (const table of tables) table.segments = { done: 1, all: 4 };
    for (const { stream } of tables)
      for (const shard of stream?.shards ?? [])
        Object.assign(shard, {
          id: `shardId-${"0".repeat(29)}`,
          sequenceNumber: "9".repeat(21),
          recordAgeSeconds: 3,
        });
    const all = statusLines(status({ tables, phase: "incr" }), { width });
    const lines = all.slice(all.findIndex((line) => line.startsWith("table")));
    expect(lines.filter((line) => line.length > width && !line.startsWith("1 shard"))).toEqual([]);
    expect(lines[0]).toContain("behind");
    expect(lines.find((line) => line.startsWith("few"))).toContain("copying");
    expect(lines.filter((line) => /^orders-\S*…\S*-(1|2) /.test(line))).toHaveLength(2);
    expect(lines.join("\n").includes("9".repeat(21))).toBe(width > 100);
    expect(lines.join("\n").replaceAll("9".repeat(21), "")).not.toMatch(/\d…\d*(9|4)\b/);
  });

  test("of a migration that was switched over isn't behind, and says when as everywhere", () => {
    const tables: TableEntry[] = [{ ...followed("orders", 75), state: "done" }];
    const at = "2026-11-26T11:58:45.000Z";
    const switchOver = {
      good: false,
      waitsFor: [],
      text: `done, all that was written until ${at} is applied`,
    };
    const lines = statusLines(status({ tables, phase: "done", switchedOverAt: at, switchOver }));
    expect(lines).toContain(
      "switch over: done, all that was written until 2026/11/26 11:58:45 UTC is applied",
    );
    expect(lines.filter((line) => /behind|shard/.test(line))).toEqual([]);
  });
});
