/** Reports of the benchmark: medians of turns, targets, the text, and two of them compared. */
import { describe, expect, test } from "bun:test";
import { compare } from "../../bench/compare.ts";
import type { Sample } from "../../bench/measures.ts";
import { figure, format, type Report, rowsOf, type Turn } from "../../bench/report.ts";
import { sharesOf } from "../../bench/sample.ts";
import { fullTargets } from "../../bench/targets.ts";

const WORDS = { unit: "item", base: "floor" };

function reportOf(turns: Turn[], more: Partial<Report> = {}): Report {
  const sides = ["floor", "tool", "against"].filter((side) => turns.some((turn) => side in turn));
  return {
    format: 1,
    kind: "full",
    shape: "medium",
    items: 300_000,
    runs: turns.length,
    options: {},
    at: "2026-01-01T00:00:00.000Z",
    machine: { cpu: "a CPU", cores: 2, memoryGb: 8, platform: "linux x64" },
    versions: { "nimo-shake": "1.0.0", Bun: "1" },
    conf: { id: "bench", "source.endpoint_url": "http://127.0.0.1:1" },
    sides,
    rows: rowsOf(turns, sides, WORDS),
    targets: [],
    ...more,
  };
}

const turn = (tool: Sample, floor: Sample = {}): Turn => ({ floor, tool });

test("a figure is the median with the extremes, of two the middle between them", () => {
  expect(figure([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(figure([4, 1])).toEqual({ median: 2.5, min: 1, max: 4 });
});

test("a side has a figure when every turn had it, and a row is there when a side has one", () => {
  const rows = rowsOf(
    [turn({ cpuUs: 4, fetchShare: 10 }, { cpuUs: 2 }), turn({ cpuUs: 6 }, { cpuUs: 3 })],
    ["floor", "tool"],
    WORDS,
  );
  expect(rows.map(({ name }) => name)).toEqual(["cpuUs"]);
  expect(rows[0]).toMatchObject({
    label: "CPU, µs an item",
    sides: { floor: { median: 2.5 }, tool: { median: 5, min: 4, max: 6 } },
  });
});

test("the text has a column a side, and a dash for what isn't known of one", () => {
  const text = format(
    reportOf([
      { floor: { perSecond: 1000 }, tool: { perSecond: 700, idleShare: 12 }, against: { perSecond: 90 } },
    ]),
  );
  expect(text).toMatch(/^ {2}items\/s +1,000 +700 +90$/m);
  expect(text).toMatch(/^ {2}main thread: idle, % +- +12 +-$/m);
  expect(text).toContain("full, 300,000 medium items, median of 1");
});

describe("targets", () => {
  const good = { ratio: 0.7, cpuUs: 7.5, peakMb: 400 };
  test.each([
    ["all as they should be", {}, [true, true, true]],
    ["less of the floor", { ratio: 0.69 }, [false, true, true]],
    ["more CPU", { cpuUs: 7.6 }, [true, false, true]],
    ["more memory", { peakMb: 401 }, [true, true, false]],
  ])("hold or not: %s", (_what, sample, holds) => {
    expect(fullTargets(reportOf([turn({ ...good, ...sample })])).map((target) => target.holds)).toEqual(
      holds,
    );
  });

  test("of memory count the highest run, and that of ten times the items", () => {
    const turns = [turn({ peakMb: 300 }), turn({ peakMb: 200 })];
    const grown = (peakMb: number): Report =>
      reportOf(turns, { growth: { items: 3_000_000, sides: { tool: { peakMb } } } });
    const holds = (report: Report): boolean[] => fullTargets(report).map((target) => target.holds);
    expect(holds(grown(370))).toEqual([true, true]);
    expect(holds(grown(380))).toEqual([true, false]);
    expect(holds(grown(410))).toEqual([false, false]);
  });

  test("differ with the size of an item", () => {
    const names = (shape: Report["shape"]): string[] =>
      fullTargets(reportOf([turn({ ratio: 1, cpuUs: 1, peakMb: 1 })], { shape })).map(({ name }) => name);
    expect(names("small")).toEqual(["at most 3.0 µs of CPU an item", "at most 400 MB"]);
    expect(names("large")).toEqual(["at least 0.75 of the floor", "at most 400 MB"]);
  });
});

describe("two reports side by side", () => {
  const before = reportOf([turn({ perSecond: 1000, cpuUs: 10, peakMb: 300 })]);

  test("show the change, and whether it is for the better", () => {
    const after = reportOf([turn({ perSecond: 1500, cpuUs: 8, peakMb: 330 })]);
    const lines = compare(before, after).split("\n");
    expect(lines[0]).toMatch(/A +B +change/);
    expect(lines[1]).toMatch(/items\/s \(tool\) +1,000 +1,500 +\+50.0 %, better/);
    expect(lines[2]).toMatch(/CPU, µs an item \(tool\) +10.0 +8.0 +-20.0 %, better/);
    expect(lines[3]).toMatch(/peak memory, MB \(tool\) +300 +330 +\+10.0 %, worse/);
  });

  test("don't judge where the time goes", () => {
    const [one, other] = [10, 90].map((fetchShare) => reportOf([turn({ fetchShare })]));
    expect(compare(one!, other!)).toEndWith("+800.0 %");
  });

  test("say what makes them unlike, and not that their servers had other ports", () => {
    const after = reportOf([turn({ perSecond: 1000 })], {
      items: 5,
      shape: "small",
      options: { gsi: 1 },
      conf: { id: "bench", "source.endpoint_url": "http://127.0.0.1:2", "qps.full": "7" },
    });
    const notes = compare(before, after)
      .split("\n")
      .filter((line) => line.startsWith("note:"));
    expect(notes).toEqual([
      "note: shape differs: medium, small",
      "note: items differs: 300000, 5",
      "note: gsi differs: -, 1",
      "note: qps.full differs: -, 7",
    ]);
  });
});

describe("where the time went", () => {
  const stages = { fetchSeconds: 1, convertSeconds: 2, writeSeconds: 1 };
  type Known = Parameters<typeof sharesOf>[0];
  const reportWith = (tables: object[], process?: object): Known => ({ tables, process }) as Known;

  test("is added up over tables and both phases", () => {
    const changes = { stages: { fetchSeconds: 4, convertSeconds: 0, writeSeconds: 0 } };
    const process = { seconds: 10, idleSeconds: 3 };
    expect(sharesOf(reportWith([{ thisProcess: { stages }, changes }], process))).toEqual({
      fetchShare: 62.5,
      convertShare: 25,
      writeShare: 12.5,
      idleShare: 30,
    });
  });

  test("isn't made up where a report doesn't tell", () => {
    expect(sharesOf({})).toEqual({});
    expect(sharesOf(reportWith([{ thisProcess: { stages: null }, changes: null }]))).toEqual({});
    expect(sharesOf(reportWith([], { seconds: 10, idleSeconds: null }))).toEqual({});
  });
});
