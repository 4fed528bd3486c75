/** What can be done with a migration while it runs. */
import type { Verdict } from "../verify/verify.ts";

/**
 * The keys that {@link RunControl.set} takes.
 *
 * @example
 * ```ts
 * import { CHANGEABLE } from "nimo-shake";
 *
 * console.log(CHANGEABLE.includes("qps.full")); // true
 * ```
 */
export const CHANGEABLE = [
  "qps.full",
  "qps.full.batch_num",
  "qps.incr",
  "qps.incr.batch_num",
  "full.read.capacity",
  "memory.limit",
  "log.level",
  "full.concurrency",
  "full.read.concurrency",
  "full.document.concurrency",
  "full.document.parser",
  "increase.concurrency",
  "verify.concurrency",
] as const;

/** How {@link RunControl.switchover} goes about it. */
export interface SwitchoverOptions {
  /** It is given up after so long, and the run goes on; in ms. */
  timeout: number;
  /** Compares both sides before the end: all items, so many of a table, or such a share; undefined: nothing. */
  verify?: "all" | { count: number } | { share: number } | undefined;
  /** Told what is waited for, when it changes and now and then. */
  onWaiting?: (waiting: SwitchoverWaiting) => void;
  /** Gives it up, and the run goes on. */
  signal?: AbortSignal;
}

/** What a switch-over waits for. */
export interface SwitchoverWaiting {
  /** Copying: the full phase isn't done. Catching up: shards aren't at their tips. Comparing: `verify`. Ending: it is decided. */
  stage: "copying" | "catching up" | "comparing" | "ending";
  /** The tables that are waited for. */
  tables: string[];
  /** In words, for people. */
  text: string;
}

/** What came of it. */
export interface SwitchoverResult {
  /** Done: all that was written until `at` is applied and saved, and the run ends with 0. */
  outcome: "done" | "timeout" | "different" | "aborted";
  /** The time up to which all is applied: when the command came; ISO 8601. */
  at: string;
  /**
   * Changes that were seen and made at the source after that: somebody still writes. At least so many; by the source's
   * clock, which is rounded down, and this machine's.
   */
  changesAfter: number;
  /** What a comparison has found. */
  verdict?: Verdict | undefined;
  /** Timeout: what it was waiting for. */
  waitedFor?: SwitchoverWaiting | undefined;
}

/** See the top of the file. Handed out before the run begins; a run takes it up. */
export interface RunControl {
  /**
   * Nothing more is read from tables and streams until {@link resume}; resolves when what was read is written and saved.
   * The lease, and positions of quiet shards, are kept; a spool goes on filling. Before the run has begun it counts from
   * its beginning.
   *
   * @throws MigrationError what the run has failed with meanwhile; NOT_RUNNING: it is over
   */
  pause(): Promise<void>;
  resume(): void;
  readonly paused: boolean;
  /** Whether an error is what the run was stopped by or has failed with, and not what was asked of it. */
  hasEndedBy(error: unknown): boolean;
  /**
   * Changes settings of the running process, all of them or none; they are gone with it.
   *
   * @param texts by key, as they would stand in the file
   * @throws MigrationError CONFIG_INVALID: a key that can't be set while it runs, or a value that can't be had;
   * NOT_RUNNING: the run has not begun, or is over
   */
  set(texts: Readonly<Record<string, string>>): void;
  /**
   * Waits until all that was written at the source until now is applied and saved, and ends the run, which then
   * resolves, and is closed before this does. One at a time.
   *
   * @throws MigrationError CONFIG_INVALID: nothing is followed, with `sync_mode = full`; NOT_SWITCHED: another one waits, or
   * the run is paused; NOT_RUNNING: it is over; what the run has failed with meanwhile, or the comparison, then it goes on
   */
  switchover(options: SwitchoverOptions): Promise<SwitchoverResult>;
}
