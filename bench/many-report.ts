/** What `bench/many.ts` has measured, as text. */
import { type ManyStats, PER_SECOND } from "./many-stats.ts";
import { megabytes, number, type Target, targetLines } from "./report.ts";

const SECOND = 1000;
/** Following all may take so many times what the service's limits make it last. */
const OF_THE_LEAST = 1.2;
const IDLE_PERCENT = 5;
/** Of so many shards at most. */
const IDLE_SHARDS = 1_000;
const RESTART_MS = 10 * SECOND;
/** Of so many tables at most, where nothing is refused. */
const RESTART_TABLES = 400;
const PEAK_MB = 400;
/** A shard that wasn't asked for longer starves. */
const STARVING_SECONDS = 10;

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
  targets: Target[];
}

/** How long the service's limits make these calls last, in ms: the operation that takes longest. */
export function leastMs({ calls }: Pick<ManyStats, "calls">): number {
  return Math.max(
    ...Object.entries(PER_SECOND).map(([operation, limit]) => ((calls[operation] ?? 0) / limit) * SECOND),
  );
}

/** What following all of a report's tables has to take where the service's limits hold, in ms. */
function leastOf({ tables, shards }: Pick<ManyReport, "tables" | "shards">): number {
  return leastMs({
    calls: { DescribeStream: tables * Math.ceil(shards / 100), DescribeTable: tables },
  });
}

/** What its figures should be; of what isn't as it is asked for nothing is said. */
export function manyTargets(report: Omit<ManyReport, "targets">): Target[] {
  const { tables, shards, throttle, followedMs, idleShare, oldestMs, peakBytes, restart } = report;
  const atMost = (limit: number, figure: number, what: string, digits = 0): Target => ({
    name: `at most ${number(limit, digits)} ${what}`,
    figure: number(figure, digits),
    holds: figure <= limit,
  });
  const restartMs = Math.max(restart.firstMs, restart.lastMs);
  return [
    atMost(STARVING_SECONDS, oldestMs / SECOND, "s since a shard was asked last, at any time", 1),
    ...(throttle
      ? [
          atMost(
            OF_THE_LEAST,
            followedMs / leastOf(report),
            "of what the limits take, until all are followed",
            2,
          ),
        ]
      : []),
    ...(!throttle && tables <= RESTART_TABLES
      ? [atMost(RESTART_MS / SECOND, restartMs / SECOND, "s from a restart to a change in any table", 1)]
      : []),
    ...(tables * shards <= IDLE_SHARDS
      ? [atMost(IDLE_PERCENT, idleShare * 100, "% of a core while nothing happens", 1)]
      : []),
    atMost(PEAK_MB, megabytes(peakBytes), "MB"),
  ];
}

/** The report as lines. */
export function formatMany(report: ManyReport): string {
  const { tables, shards, copiedMs, followedMs, startCpuMs, stats, restart } = report;
  const least = leastOf(report);
  return [
    `${tables} tables of one item, ${shards} ${shards === 1 ? "shard" : "shards"} each:`,
    `  copied after ${seconds(copiedMs)}, followed after ${seconds(followedMs)}, CPU ${seconds(startCpuMs)}`,
    `  ${(followedMs / least).toFixed(2)} of the ${seconds(least)} that 10 DescribeStream a second take`,
    ...callLines(stats),
    `  idle: ${(report.idleShare * 100).toFixed(1)} % of a core, ${Math.round(report.idleCallsPerSecond)} GetRecords a second, no shard asked later than ${seconds(report.oldestMs)} after the last time`,
    `  peak memory ${number(megabytes(report.peakBytes))} MB`,
    `restarted: a change arrives after ${seconds(restart.firstMs)} in the first table, ${seconds(restart.lastMs)} in the last; ` +
      `all are followed after ${seconds(restart.followedMs)}`,
    ...callLines(restart.stats),
    ...targetLines(report.targets),
  ].join("\n");
}

function callLines({ calls, highest, refused }: ManyStats): string[] {
  const told = Object.keys(calls).toSorted();
  const lines = told.map((name) => `    ${name}: ${calls[name]}, at most ${highest[name]} a second`);
  return refused > 0 ? [...lines, `    refused: ${refused}`] : lines;
}

const seconds = (ms: number): string => `${(ms / SECOND).toFixed(1)} s`;
