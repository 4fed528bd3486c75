/** `bench many`: what is asked of its figures, and what `--check` makes of that. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { formatMany, type ManyReport, manyTargets } from "../../bench/many-report.ts";

const MB = 2 ** 20;
const stats = {
  firstRequestAt: 1,
  scannedAt: 1,
  followedAt: 1,
  followed: 1,
  oldestMs: 1_000,
  calls: { DescribeStream: 1_000 },
  highest: { DescribeStream: 10 },
  refused: 0,
};

/** All that is asked holds, just so. */
const report: Omit<ManyReport, "targets"> = {
  tables: 400,
  shards: 2,
  throttle: false,
  copiedMs: 1_000,
  followedMs: 48_000,
  startCpuMs: 1_000,
  stats,
  idleShare: 0.05,
  idleCallsPerSecond: 200,
  oldestMs: 10_000,
  peakBytes: 400 * MB,
  restart: { firstMs: 9_000, lastMs: 10_000, followedMs: 10_000, stats },
};

const missed = (more: Partial<ManyReport>): string[] =>
  manyTargets({ ...report, ...more })
    .filter(({ holds }) => !holds)
    .map(({ name }) => name);

describe("what is asked", () => {
  test("holds up to its limits", () => {
    expect(missed({})).toEqual([]);
    expect(missed({ throttle: true })).toEqual([]);
  });

  test.each([
    [{ idleShare: 0.051 }, "at most 5.0 % of a core while nothing happens"],
    [{ peakBytes: 401 * MB }, "at most 400 MB"],
    [{ oldestMs: 10_100 }, "at most 10.0 s since a shard was asked last, at any time"],
    [
      { restart: { ...report.restart, firstMs: 10_100 } },
      "at most 10.0 s from a restart to a change in any table",
    ],
    [{ throttle: true, followedMs: 48_400 }, "at most 1.20 of what the limits take, until all are followed"],
  ] satisfies [Partial<ManyReport>, string][])("%j is too much", (more, name) => {
    expect(missed(more)).toEqual([name]);
  });

  test("isn't asked of more shards or tables than it is meant for", () => {
    expect(missed({ shards: 3, idleShare: 0.3 })).toEqual([]);
    expect(missed({ tables: 401, restart: { ...report.restart, lastMs: 60_000 } })).toEqual([]);
  });

  test("stands below the figures", () => {
    const text = formatMany({ ...report, targets: manyTargets({ ...report, idleShare: 0.2 }) });
    expect(text).toContain("MISS  at most 5.0 % of a core while nothing happens: 20.0");
    expect(text).toContain("ok    at most 400 MB: 400");
  });
});

describe("--check", () => {
  const main = join(import.meta.dirname, "../../bench/main.ts");

  test.each([
    [true, false, 1],
    [true, true, 0],
    [false, false, 0],
  ])("%p, and all that is asked holds: %p: exit code %p", (check, holds, code) => {
    const script = `
      const { main } = await import(${JSON.stringify(main)});
      const run = async () => ({ targets: [{ name: "n", figure: "1", holds: ${holds} }] });
      await main({ help: false, json: false, check: ${check} }, { help: "", run, format: () => "" });`;
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(code);
  });
});
