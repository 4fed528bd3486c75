/** From single runs to the figures and targets that are printed. */
import type { FloorResult } from "./floor.ts";
import type { ToolResult } from "./measure.ts";

/** The median of several runs, with the extremes: the machine's noise is part of the result. */
export interface Figure {
  median: number;
  min: number;
  max: number;
}

/** What issue "the main job" asks of a full migration. */
export interface Target {
  name: string;
  figure: string;
  holds: boolean;
}

/** Everything one benchmark found. */
export interface Report {
  items: number;
  runs: number;
  floor: { itemsPerSecond: Figure; insertMs: Figure; indexMs: Figure; cpuUsPerItem: Figure };
  tool: { itemsPerSecond: Figure; wallMs: Figure; pureMs: Figure; cpuUsPerItem: Figure; peakMb: Figure };
  /** Documents per second, tool to floor, pair by pair: whole process, and without start and end. */
  ratio: Figure;
  pureRatio: Figure;
  sourceCpuUsPerItem: Figure;
  growth?: { items: number; peakMb: number; times: number };
  conf: Record<string, string>;
  targets: Target[];
}

const RATIO = 0.5;
const CPU_US = 11;
const PEAK_MB = 500;
/** Ten times the items may show this much more: a collector's mood, no growth. */
const GROWTH = 1.25;

/** Of single runs. */
export function figure(values: number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (place: number): number => sorted[place] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

export const megabytes = (bytes: number): number => bytes / 1024 / 1024;
export const perSecond = (items: number, ms: number): number => (items / ms) * 1_000;
const floorMs = (run: FloorResult): number => run.insertMs + run.indexMs;

/** Sums up pairs of runs, and the one of ten times the items where there was one. */
export function summarize(
  pairs: { floor: FloorResult; tool: ToolResult }[],
  big: ToolResult | undefined,
  conf: Record<string, string>,
): Report {
  const floors = (of: (run: FloorResult) => number): Figure => figure(pairs.map(({ floor }) => of(floor)));
  const tools = (of: (run: ToolResult) => number): Figure => figure(pairs.map(({ tool }) => of(tool)));
  const report: Report = {
    items: pairs[0]?.tool.items ?? 0,
    runs: pairs.length,
    floor: {
      itemsPerSecond: floors((run) => perSecond(run.items, floorMs(run))),
      insertMs: floors((run) => run.insertMs),
      indexMs: floors((run) => run.indexMs),
      cpuUsPerItem: floors((run) => run.cpuUs / run.items),
    },
    tool: {
      itemsPerSecond: tools((run) => perSecond(run.items, run.wallMs)),
      wallMs: tools((run) => run.wallMs),
      pureMs: tools((run) => run.pureMs),
      cpuUsPerItem: tools((run) => run.cpuUs / run.items),
      peakMb: tools((run) => megabytes(run.peakBytes)),
    },
    ratio: figure(pairs.map(({ floor, tool }) => floorMs(floor) / tool.wallMs)),
    pureRatio: figure(pairs.map(({ floor, tool }) => floorMs(floor) / tool.pureMs)),
    sourceCpuUsPerItem: tools((run) => run.source.cpuUs / run.items),
    conf,
    targets: [],
  };
  if (big)
    report.growth = {
      items: big.items,
      peakMb: megabytes(big.peakBytes),
      times: megabytes(big.peakBytes) / report.tool.peakMb.max,
    };
  report.targets = targets(report);
  return report;
}

function targets({ ratio, tool, growth }: Report): Target[] {
  const { cpuUsPerItem, peakMb } = tool;
  const highest = Math.max(peakMb.max, growth?.peakMb ?? 0);
  return [
    { name: `at least ${RATIO} of the floor`, figure: show(ratio, 2), holds: ratio.median >= RATIO },
    {
      name: `at most ${CPU_US} µs of CPU an item`,
      figure: show(cpuUsPerItem, 1),
      holds: cpuUsPerItem.median <= CPU_US,
    },
    { name: `at most ${PEAK_MB} MB`, figure: highest.toFixed(0), holds: highest <= PEAK_MB },
    ...(growth
      ? [
          {
            name: `no growth to ${growth.items} items (× ${GROWTH})`,
            figure: growth.times.toFixed(2),
            holds: growth.times <= GROWTH,
          },
        ]
      : []),
  ];
}

/** `median (min–max)`. */
export function show({ median, min, max }: Figure, digits = 0): string {
  const number = (value: number): string =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number(median)} (${number(min)}–${number(max)})`;
}

/** Which targets hold. */
export const targetLines = (targets: Target[]): string[] =>
  targets.map(({ name, figure: found, holds }) => `${holds ? "ok  " : "MISS"}  ${name}: ${found}`);

/** The report as text. */
export function format(report: Report): string {
  const { floor, tool, growth } = report;
  const rows = [
    ["", "floor", "tool"],
    ["items/s", show(floor.itemsPerSecond), show(tool.itemsPerSecond)],
    ["inserts, ms", show(floor.insertMs), ""],
    ["indexes, ms", show(floor.indexMs), ""],
    ["spawn to exit, ms", "", show(tool.wallMs)],
    ["first request to done, ms", "", show(tool.pureMs)],
    ["CPU, µs an item", show(floor.cpuUsPerItem, 1), show(tool.cpuUsPerItem, 1)],
    ["peak memory, MB", "", show(tool.peakMb)],
    ...(growth ? [[`peak memory at ${growth.items}, MB`, "", growth.peakMb.toFixed(0)]] : []),
  ];
  return [
    "conf:",
    ...Object.entries(report.conf).map(([key, value]) => `  ${key} = ${value}`),
    "",
    `${report.items} items, median of ${report.runs} (min–max):`,
    ...rows.map(([name = "", one = "", two = ""]) => `  ${name.padEnd(28)}${one.padEnd(28)}${two}`.trimEnd()),
    "",
    `ratio tool/floor in documents per second: ${show(report.ratio, 2)}`,
    `  without start and end of the process: ${show(report.pureRatio, 2)}`,
    `the source's own CPU, µs an item: ${show(report.sourceCpuUsPerItem, 2)}`,
    "",
    ...targetLines(report.targets),
  ].join("\n");
}
