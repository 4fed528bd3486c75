/** What comparing took, beside the copy in the same sitting. */
import type { ToolResult } from "./measure.ts";
import { type Figure, figure, megabytes, perSecond, show, type Target, targetLines } from "./report.ts";

/** A copy, and the comparison right after it. */
export interface Pair {
  copy: ToolResult;
  verify: ToolResult & {
    /** The most that its logs took on the disk. */
    spillBytes: number;
  };
}

/** A pair with documents that the source doesn't have. */
export interface Extras extends Pair {
  planted: number;
  found: number;
}

interface Side {
  itemsPerSecond: Figure;
  cpuUsPerItem: Figure;
  peakMb: Figure;
}

/** Everything that was found. */
export interface VerifyReport {
  items: number;
  runs: number;
  copy: Side;
  verify: Side & { spillMb: Figure };
  /** Items a second, comparing to copying, pair by pair: whole process, and without start and end. */
  ratio: Figure;
  pureRatio: Figure;
  growth?: { items: number; ratio: number; peakMb: number; spillMb: number; times: number };
  extras?: { items: number; planted: number; found: number; seconds: number };
  conf: Record<string, string>;
  targets: Target[];
}

const RATIO = 0.6;
const PEAK_MB = 400;
/** Ten times the items may show this much more: a collector's mood, no growth. */
const GROWTH = 1.25;

const side = (runs: ToolResult[]): Side => ({
  itemsPerSecond: figure(runs.map((run) => perSecond(run.items, run.wallMs))),
  cpuUsPerItem: figure(runs.map((run) => run.cpuUs / run.items)),
  peakMb: figure(runs.map((run) => megabytes(run.peakBytes))),
});

/** What is summed up beside the pairs that count. */
export interface Others {
  /** Of ten times the items. */
  big: Pair | undefined;
  extras: Extras | undefined;
  conf: Record<string, string>;
}

/** Sums up. */
export function summarizeVerify(pairs: Pair[], { big, extras, conf }: Others): VerifyReport {
  const copies = pairs.map(({ copy }) => copy);
  const verifies = pairs.map(({ verify }) => verify);
  const report: VerifyReport = {
    items: copies[0]?.items ?? 0,
    runs: pairs.length,
    copy: side(copies),
    verify: { ...side(verifies), spillMb: figure(verifies.map((run) => megabytes(run.spillBytes))) },
    ratio: figure(pairs.map(({ copy, verify }) => copy.wallMs / verify.wallMs)),
    pureRatio: figure(pairs.map(({ copy, verify }) => copy.pureMs / verify.pureMs)),
    conf,
    targets: [],
  };
  if (big)
    report.growth = {
      items: big.verify.items,
      ratio: big.copy.wallMs / big.verify.wallMs,
      peakMb: megabytes(big.verify.peakBytes),
      spillMb: megabytes(big.verify.spillBytes),
      times: megabytes(big.verify.peakBytes) / report.verify.peakMb.max,
    };
  if (extras) {
    const { planted, found, verify } = extras;
    report.extras = { items: verify.items, planted, found, seconds: verify.wallMs / 1000 };
  }
  report.targets = targets(report);
  return report;
}

function targets({ ratio, verify, growth, extras }: VerifyReport): Target[] {
  const highest = Math.max(verify.peakMb.max, growth?.peakMb ?? 0);
  return [
    { name: `at least ${RATIO} of the copy`, figure: show(ratio, 2), holds: ratio.median >= RATIO },
    { name: `at most ${PEAK_MB} MB`, figure: highest.toFixed(0), holds: highest <= PEAK_MB },
    ...(growth
      ? [
          {
            name: `at least ${RATIO} of the copy at ${growth.items} items`,
            figure: growth.ratio.toFixed(2),
            holds: growth.ratio >= RATIO,
          },
          {
            name: `no growth to ${growth.items} items (× ${GROWTH})`,
            figure: growth.times.toFixed(2),
            holds: growth.times <= GROWTH,
          },
        ]
      : []),
    ...(extras
      ? [
          {
            name: `all ${extras.planted} extra documents among ${extras.items}`,
            figure: String(extras.found),
            holds: extras.found === extras.planted,
          },
        ]
      : []),
  ];
}

/** The report as text. */
export function formatVerify({ conf, items, runs, copy, verify, ...report }: VerifyReport): string {
  const { ratio, pureRatio, growth, extras } = report;
  const rows = [
    ["", "copy", "verify"],
    ["items/s", show(copy.itemsPerSecond), show(verify.itemsPerSecond)],
    ["CPU, µs an item", show(copy.cpuUsPerItem, 1), show(verify.cpuUsPerItem, 1)],
    ["peak memory, MB", show(copy.peakMb), show(verify.peakMb)],
    ["on the disk, MB", "", show(verify.spillMb)],
    ...(growth
      ? [
          [`peak memory at ${growth.items}, MB`, "", growth.peakMb.toFixed(0)],
          [`on the disk at ${growth.items}, MB`, "", growth.spillMb.toFixed(0)],
        ]
      : []),
  ];
  return [
    "conf:",
    ...Object.entries(conf).map(([key, value]) => `  ${key} = ${value}`),
    "",
    `${items} items, median of ${runs} (min–max):`,
    ...rows.map(([name = "", one = "", two = ""]) => `  ${name.padEnd(30)}${one.padEnd(28)}${two}`.trimEnd()),
    "",
    `ratio verify/copy in items per second: ${show(ratio, 2)}`,
    `  without start and end of the process: ${show(pureRatio, 2)}`,
    ...(extras ? [`with ${extras.planted} extra documents: ${extras.seconds.toFixed(1)} s`] : []),
    "",
    ...targetLines(report.targets),
  ].join("\n");
}
