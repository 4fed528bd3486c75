/**
 * What a run did, as one JSON object; docs/report.md describes its members. Times are ISO 8601, durations seconds; null:
 * there is none, or nobody knows.
 */
import { isEqual } from "../verify/report.ts";
import type { ProcessUsage } from "../host/usage.ts";
import type { Config } from "../config/config.ts";
import { describeConfig } from "../config/redact.ts";
import type { Progress } from "../progress/progress.ts";
import type { RunIdentity } from "../progress/run-status.ts";
import { appliedUntil } from "../progress/stream-progress.ts";
import type { Verdict } from "../verify/verify.ts";
import { leftToDo } from "./left-to-do.ts";
import { endOf, type Outcome } from "./outcome.ts";
import { isoTime } from "../progress/quantities.ts";
import { secondsBetween } from "./quantities.ts";
import { type TableReport, tableReport, type Totals, totalsOf } from "./table-report.ts";

/** Goes up when a member is gone or means something else; new members may come at any time. */
export const FORMAT = 1;

/** What is known at a run's end. */
export interface ReportInput {
  identity: RunIdentity;
  config: Config;
  progress: Progress;
  outcome: Outcome;
  /** In ms since 1970, as all times here. */
  endedAt: number;
  /** When the full phase of all tables was done, in this process. */
  fullDoneAt?: number | undefined;
  /** What a comparison has found, and when. */
  verified?: { verdict: Verdict; at: number } | undefined;
  /** What runs the program: `Bun 1.4.5`. */
  runtime: string;
  /** What this process has used. */
  usage: ProcessUsage;
  /** The target server's version, where it is known. */
  targetVersion?: string | undefined;
  /** The last warnings and errors of the log. */
  warnings?: readonly { time: string; level: string; message: string }[] | undefined;
}

/** See the top of the file. */
export interface Report extends RunIdentity {
  format: typeof FORMAT;
  outcome: Outcome;
  startedAt: string;
  fullDoneAt: string | null;
  endedAt: string;
  seconds: number;
  /** Each from the first table's beginning to the last one's end: tables are migrated side by side. */
  durations: { copySeconds: number | null; indexSeconds: number | null; verifySeconds: number | null };
  process: ProcessUsage;
  versions: { nimoShake: string; runtime: string; target: string | null };
  /** Of all tables. */
  totals: Totals;
  tables: TableReport[];
  /** All changes made at the source until then are applied; null: that can't be said, or no stream was followed. */
  appliedUntil: string | null;
  /** What a comparison has found. */
  verify: VerifyReport | null;
  /** How often calls failed, by code; those that went well when they were made again too. */
  errors: Record<string, number>;
  retries: Progress["retries"];
  warnings: readonly { time: string; level: string; message: string }[];
  leftToDo: string[];
  /** As it was in force, without secrets. */
  configuration: Record<string, unknown>;
}

/** A comparison. */
export interface VerifyReport {
  /** Null: nothing differs, but some keys aren't decided. */
  isEqual: boolean | null;
  at: string;
  /** How many differences there are, and the file that has them. */
  differences: number;
  file: string | null;
  /** The counts by table. */
  tables: object[];
}

/** Describes a run at its end. */
export function makeReport(input: ReportInput): Report {
  const { identity, config, progress, outcome, endedAt, fullDoneAt, verified, warnings = [] } = input;
  const all = [...progress.tables.values()];
  const tables = all.map((table) => tableReport(table, { at: endOf(outcome, endedAt), endedAt }));
  const begun = all.flatMap(({ startedAt }) => startedAt ?? []);
  const copied = all.flatMap(({ startedAt, indexingAt, finishedAt }) =>
    startedAt === undefined ? [] : (indexingAt ?? finishedAt ?? endedAt),
  );
  const indexing = all.flatMap(({ indexingAt }) => indexingAt ?? []);
  const indexed = all.flatMap(({ indexingAt, finishedAt }) =>
    indexingAt === undefined ? [] : (finishedAt ?? endedAt),
  );
  return {
    format: FORMAT,
    ...identity,
    outcome,
    startedAt: isoTime(progress.startedAt)!,
    fullDoneAt: isoTime(fullDoneAt),
    endedAt: isoTime(endedAt)!,
    seconds: secondsBetween(progress.startedAt, endedAt)!,
    durations: {
      copySeconds: secondsBetween(least(begun), most(copied)),
      indexSeconds: secondsBetween(least(indexing), most(indexed)),
      verifySeconds: verified ? secondsBetween(most(indexed) ?? fullDoneAt, verified.at) : null,
    },
    process: input.usage,
    versions: { nimoShake: identity.version, runtime: input.runtime, target: input.targetVersion ?? null },
    totals: totalsOf(tables),
    tables,
    // What a switch-over has made sure of is later than what the shards have noted.
    appliedUntil: outcome.kind === "switched over" ? outcome.at : isoTime(appliedUntil(progress)),
    verify: verified ? verifyReport(verified) : null,
    errors: Object.fromEntries(progress.errors),
    retries: { ...progress.retries },
    warnings,
    leftToDo: leftToDo(input).map(({ text }) => text),
    configuration: describeConfig(config),
  };
}

function verifyReport({ verdict, at }: NonNullable<ReportInput["verified"]>): VerifyReport {
  const { tables, faults, path } = verdict;
  return {
    isEqual: isEqual(verdict),
    at: isoTime(at)!,
    differences: faults,
    file: faults > 0 ? path : null,
    tables: [...tables].map(([table, counts]) => ({ table, ...counts })),
  };
}

function least(times: number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function most(times: number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times);
}
