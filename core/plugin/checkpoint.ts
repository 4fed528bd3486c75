/** The role `checkpoint`: what is kept between two starts, and who may write. */
import type { HostProcess } from "../host/process.ts";
import type { Table } from "../types.ts";

/** A process that has a migration's lease, as it is written there. */
export interface Holder extends HostProcess {
  /** Random: a process's own, for one run. */
  token: string;
  /** When it began, ISO 8601. */
  since: string;
}

/** Who has a lease. */
export interface Holding {
  holder: Holder;
  /** For how long it hasn't been renewed, by the store's own clock, in ms. */
  age: number;
}

/**
 * Keeps the lease of a migration, so that one process of an id writes at a time, wherever it runs. Its calls don't wait
 * behind saves: an answer that is late stops all writes.
 */
export interface LeaseKeeper {
  /**
   * Gives the lease to a process, if it has it already, or nobody has it, or it wasn't renewed for `ttl` ms, or the
   * token `over` has it. From then on a save fails with ALREADY_RUNNING once it is another's.
   *
   * Called once a start, when all tables are known and nothing is changed yet; twice a second as long as another has it
   * that may be dead.
   *
   * @returns who has it now
   */
  claim(ours: Holder, options: { ttl: number; over?: string }): Promise<Holding>;
  /** Who has it now, for others to see; undefined: nobody. Changes nothing. Missing: nobody can tell. */
  find?(): Promise<Holding | undefined>;
  /**
   * Renews it if the process has it, however old it is; gives who has it now, undefined: nobody. Called every 5 s, and
   * twice a second while writes wait for it: a failure is no more than a reason to call again.
   */
  renew(ours: Holder): Promise<Holding | undefined>;
  /** Gives it back, if the process has it. Called once, when nothing is written any more; a failure is a warning. */
  release(ours: Holder): Promise<void>;
}

/**
 * Keeps what a resumed run needs, by name and part. Filled with `ctx.provide("checkpoint", …)`; `Roles` says what holds
 * of every role.
 *
 * A call whose failure may pass is made again by the checkpoint. What it ends with is CHECKPOINT_FAILED (it can't be read
 * or saved), CHECKPOINT_MISMATCH (it isn't understood, or is another migration's) or ALREADY_RUNNING (the lease is lost).
 *
 * The names are `run`, `table:<name>`, `stream:<name>`, and, in NimoShake's layout, `shards:<name>` and `status`;
 * docs/architecture.md says what they hold. What is done with one name happens in the order of the calls, some of which
 * are made before the one before is answered; different names don't wait for each other.
 */
export interface Checkpoint {
  /** The place in words, for messages: `folder ./checkpoint-state`. */
  readonly place: string;
  /**
   * Refuses tables whose states it can't keep apart; changes nothing. Called once a start, before anything is saved.
   *
   * @throws MigrationError TABLE_UNFIT
   */
  check?(tables: Table[], signal: AbortSignal): Promise<void>;
  /**
   * What was saved under a name, part by part; empty when nothing was. Called at a start, before the lease is had too,
   * and now and then later.
   */
  load(name: string): Promise<Map<string, unknown>>;
  /**
   * Saves JSON-safe states durably, as they are when it is called; parts of the name that are not given stay as they
   * are. Cut off, it may have saved some of the parts, each of them whole.
   *
   * Called every 0.1 s for a table that is copied, every 0.5 s for a stream, as long as something moves, one call of the
   * same kind at a time. A failure ends the run, unless an `error` hook wants it once more.
   */
  save(name: string, parts: ReadonlyMap<string, unknown>): Promise<void>;
  /** Forgets a name with all its parts. */
  clear(name: string): Promise<void>;
  /** Forgets some parts of a name, and keeps the others; missing: they stay, and grow in number. */
  remove?(name: string, parts: readonly string[]): Promise<void>;
  /** Missing: nothing but the pid file keeps a second process away. */
  readonly lease?: LeaseKeeper;
  /** Frees what it holds; may be called twice. */
  close?(): Promise<void> | void;
}
