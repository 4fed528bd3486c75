/**
 * Where a migration stands, as one JSON object: what its process says, where one runs and answers, and what its checkpoint
 * says. Members that {@link RunStatus} has mean the same here. Times are ISO 8601, durations seconds; null: nobody knows,
 * or there is none.
 */
import { fewOf, inSeconds, isoTime } from "../progress/quantities.ts";
import type { RunIdentity, RunStatus } from "../progress/run-status.ts";
import type { KeptStatus, StartStatus } from "./status.ts";
import { type TableEntry, tablesOf } from "./status-tables.ts";

export type { ShardEntry, StreamEntry, TableEntry } from "./status-tables.ts";

/** See the top of the file. */
export interface StatusDocument
  extends
    Omit<RunIdentity, "pid" | "host">,
    Pick<
      RunStatus,
      | "now"
      | "paused"
      | "lagSeconds"
      | "savedAt"
      | "itemsPerSecond"
      | "etaSeconds"
      | "errors"
      | "retries"
      | "lastError"
      | "leftOut"
    > {
  /** A process of this id runs, here or on another host. */
  running: boolean;
  /** It has answered itself: else all of this is what the checkpoint says. */
  answered: boolean;
  pid: number | null;
  host: string | null;
  /** None: nothing has begun. */
  phase: RunStatus["phase"] | "none";
  /** When the migration began. */
  begunAt: string | null;
  /** When its full phase was done; without one, when it began. */
  copiedAt: string | null;
  /** All that was written until then was applied when the last run ended. */
  switchedOverAt: string | null;
  /** When the process began. */
  startedAt: string | null;
  switchOver: RunStatus["switchOver"] & { text: string };
  /** Changes applied, just now. */
  changesPerSecond: number | null;
  lease: LeaseEntry | null;
  /** What a start would do; null: one runs. */
  start: StartStatus | null;
  /** The tables that are to be copied, and of them or of others those whose indexes are to be built. */
  remains: { copy: string[]; index: string[] };
  /** What couldn't be had. */
  problems: string[];
  tables: TableEntry[];
}

/** Who has the lease. */
export interface LeaseEntry {
  pid: number;
  host: string;
  since: string;
  /** How long ago it was renewed. */
  ageSeconds: number;
  alive: boolean;
}

/** What is known beside. */
export interface Look {
  identity: Omit<RunIdentity, "pid" | "host">;
  now: number;
  /** Undefined: it can't be read, and a process has answered. */
  kept: KeptStatus | undefined;
  live: RunStatus | undefined;
  changesPerSecond: number | undefined;
  /** The process that has the pid file here. */
  pid: number | undefined;
  /** Tables that are named in the configuration. */
  named: readonly string[];
  problems: string[];
}

/** Puts it together. */
export function describeStatus(look: Look): StatusDocument {
  const { identity, now, kept, live, pid, named, problems } = look;
  const lease = kept?.lease;
  const running = live !== undefined || lease?.alive === true || pid !== undefined;
  const phase = live?.phase ?? phaseOf(kept);
  const tables = tablesOf(kept, live, named, now, running);
  const left = tables.filter(({ state }) => state !== "deleted");
  const lags = left.map(({ stream }) => stream?.lagSeconds ?? null);
  const behind = live?.switchOver.waitsFor ?? left.map(({ name }) => name);
  const isFollowing = phase === "incr" && lags.length > 0 && !lags.includes(null);
  const document = {
    ...identity,
    now: new Date(now).toISOString(),
    running,
    answered: live !== undefined,
    pid: live?.pid ?? (lease?.alive === true ? lease.pid : undefined) ?? pid ?? null,
    host: live?.host ?? (lease?.alive === true ? lease.host : null),
    phase,
    paused: live?.paused ?? false,
    begunAt: kept?.run?.startedAt ?? null,
    copiedAt: kept?.run?.copiedAt ?? kept?.run?.finishedAt ?? null,
    switchedOverAt: (running ? undefined : kept?.run?.switchedOverAt) ?? null,
    startedAt: live?.startedAt ?? (lease?.alive === true ? lease.since : null),
    lagSeconds: live === undefined ? (isFollowing ? Math.max(...lags.map(Number)) : null) : live.lagSeconds,
    savedAt: live?.savedAt ?? isoTime(kept?.savedAt),
    itemsPerSecond: live?.itemsPerSecond ?? null,
    changesPerSecond: look.changesPerSecond ?? null,
    etaSeconds: live?.etaSeconds ?? null,
    errors: live?.errors ?? {},
    retries: live?.retries ?? { source: 0, target: 0, checkpoint: 0 },
    lastError: live?.lastError ?? null,
    switchOver: { good: live?.switchOver.good === true && !live.paused, waitsFor: behind, text: "" },
    lease: lease === undefined ? null : leaseEntry(lease),
    start: running ? null : (kept?.start ?? null),
    remains: remainsOf(tables),
    problems,
    tables,
    leftOut: live?.leftOut ?? [],
  };
  document.switchOver.text = switchOverText(document);
  return document;
}

function leaseEntry({ pid, host, since, age, alive }: NonNullable<KeptStatus["lease"]>): LeaseEntry {
  return { pid, host, since, ageSeconds: inSeconds(age), alive };
}

function phaseOf(kept: KeptStatus | undefined): StatusDocument["phase"] {
  if (kept?.run === undefined) return "none";
  if (kept.run.finishedAt !== undefined) return "done";
  return kept.run.copiedAt === undefined ? "full" : "incr";
}

function remainsOf(tables: TableEntry[]): StatusDocument["remains"] {
  const named = (...states: TableEntry["state"][]): string[] =>
    tables.filter(({ state }) => states.includes(state)).map(({ name }) => name);
  return {
    copy: named("waiting", "copying", "failed"),
    index: named("waiting", "copying", "failed", "indexing"),
  };
}

/** Tables that are named; of more there is the number. */
const MOST_NAMED = 3;

/** Whether to switch over now, in words. */
function switchOverText(status: StatusDocument): string {
  const { syncMode, running, answered, phase, paused, switchOver } = status;
  const { good, waitsFor } = switchOver;
  if (good) return "yes";
  if (syncMode === "full") return "no, nothing is followed with sync_mode = full";
  if (status.switchedOverAt !== null)
    return `done, all that was written until ${status.switchedOverAt} is applied`;
  if (!running) return "no, nothing runs";
  if (!answered) return "unknown, its process can't be asked from here";
  if (paused) return "no, the run is paused";
  if (phase !== "incr") return "no, the copy isn't done";
  return `no, it waits for ${fewOf(waitsFor, MOST_NAMED) || "the first table"}`;
}
