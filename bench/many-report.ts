/** What `bench/many.ts` has measured, as text. */
import { type ManyStats, PER_SECOND } from "./many-stats.ts";

const SECOND = 1000;
const MB = 2 ** 20;

/** What was measured; times in ms from the process's start. */
export interface ManyReport {
  tables: number;
  shards: number;
  throttle: boolean;
  /** Until `full sync done!`. */
  copiedMs: number;
  /** Until the last shard was asked for records. */
  followedMs: number;
  /** CPU until then. */
  startCpuMs: number;
  /** Calls until then. */
  stats: ManyStats;
  /** CPU of one core while nothing happens. */
  idleShare: number;
  idleCallsPerSecond: number;
  /** The longest while in which a shard wasn't asked, while nothing happens. */
  oldestMs: number;
  peakBytes: number;
  restart: {
    /** Until a change in the first table was at the target. */
    firstMs: number;
    /** The same of the last table. */
    lastMs: number;
    followedMs: number;
    stats: ManyStats;
  };
  targets: { text: string; holds: boolean }[];
}

/** How long the service's limits make these calls last, in ms: the operation that takes longest. */
export function leastMs({ calls }: Pick<ManyStats, "calls">): number {
  return Math.max(
    ...Object.entries(PER_SECOND).map(([operation, limit]) => ((calls[operation] ?? 0) / limit) * SECOND),
  );
}

/** The report as lines. */
export function formatMany(report: ManyReport): string {
  const { tables, shards, copiedMs, followedMs, startCpuMs, stats, restart } = report;
  const least = leastMs({
    calls: { DescribeStream: tables * Math.ceil(shards / 100), DescribeTable: tables },
  });
  return [
    `${tables} tables of one item, ${shards} ${shards === 1 ? "shard" : "shards"} each:`,
    `  copied after ${seconds(copiedMs)}, followed after ${seconds(followedMs)}, CPU ${seconds(startCpuMs)}`,
    `  ${(followedMs / least).toFixed(2)} of the ${seconds(least)} that 10 DescribeStream a second take`,
    ...callLines(stats),
    `  idle: ${(report.idleShare * 100).toFixed(1)} % of a core, ${Math.round(report.idleCallsPerSecond)} GetRecords a second, no shard asked later than ${seconds(report.oldestMs)} after the last time`,
    `  peak memory ${Math.round(report.peakBytes / MB)} MB`,
    `restarted: a change arrives after ${seconds(restart.firstMs)} in the first table, ${seconds(restart.lastMs)} in the last; ` +
      `all are followed after ${seconds(restart.followedMs)}`,
    ...callLines(restart.stats),
    ...report.targets.map(({ text, holds }) => `${holds ? "ok  " : "MISS"}  ${text}`),
  ].join("\n");
}

function callLines({ calls, highest, refused }: ManyStats): string[] {
  const told = Object.keys(calls).toSorted();
  const lines = told.map((name) => `    ${name}: ${calls[name]}, at most ${highest[name]} a second`);
  return refused > 0 ? [...lines, `    refused: ${refused}`] : lines;
}

const seconds = (ms: number): string => `${(ms / SECOND).toFixed(1)} s`;
