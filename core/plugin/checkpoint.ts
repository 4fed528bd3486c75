/** The role `checkpoint`: what is kept between two starts, and who may write. */
import type { HostProcess } from "../host/process.ts";
import type { Table } from "../types.ts";
import type { Inspection } from "./inspection.ts";

/** A process that has a migration's lease, as it is written there. */
export interface Holder extends HostProcess {
  /** Random: a process's own, for one run. */
  token: string;
  /** When it began, ISO 8601. */
  since: string;
}

/** A name under which something is kept. */
export interface Kept {
  name: string;
  /** When something was saved under it last, in ms since 1970. */
  savedAt: number;
}

/** What another migration keeps. */
export interface Other {
  id: string;
  name: string;
  /** Undefined: it can't be understood. */
  state: unknown;
}

/** Positions where a checkpoint doesn't look. */
export interface Elsewhere {
  /** Where they are, in words. */
  place: string;
  /** The settings with which it would look there, in words: `set checkpoint.type = file`. */
  settings: string;
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
 * The names are `run`, `table:<name>`, `stream:<name>`, `enabled:<name>`, `verify:<name>`, and, in NimoShake's layout, `shards:<name>` and `status`;
 * docs/architecture.md says what they hold. What is done with one name happens in the order of the calls, some of which
 * are made before the one before is answered; different names don't wait for each other.
 */
export interface Checkpoint {
  /** The place in words, for messages: `folder ./checkpoint-state`. */
  readonly place: string;
  /** As the target's. Missing: the first call that needs a connection makes it. */
  connect?(): Promise<void>;
  /**
   * Refuses tables whose states it can't keep apart; changes nothing. Called once a start, before anything is saved.
   *
   * @throws MigrationError TABLE_UNFIT
   */
  check?(tables: Table[], signal: AbortSignal): Promise<void>;
  /**
   * Refuses tables whose streams' positions would be kept where somebody else has something; changes nothing. Called once
   * a start, before anything is changed, for tables of which no positions are gone on with, and when one joins a run.
   * `clear` refuses such a place, too.
   *
   * @throws MigrationError CHECKPOINT_MISMATCH
   */
  checkPlaces?(tables: readonly Table[], signal: AbortSignal): Promise<void>;
  /**
   * What was saved under a name, part by part; empty when nothing was. Called at a start, before the lease is had too,
   * and now and then later.
   */
  load(name: string): Promise<Map<string, unknown>>;
  /**
   * The names of this migration under which anything is kept, but for those in NimoShake's layout. Called once a
   * start, and by who looks on from outside, once a second at most; changes nothing. Missing: nobody can tell which tables have begun.
   */
  list?(): Promise<Kept[]>;
  /**
   * Saves JSON-safe states durably, as they are when it is called; parts of the name that are not given stay as they
   * are. Cut off, it may have saved some of the parts, each of them whole.
   *
   * Called every 0.1 s for a table that is copied, every 0.5 s for a stream, as long as something moves, one call of the
   * same kind at a time. A failure ends the run, unless an `error` hook wants it once more.
   */
  save(name: string, parts: ReadonlyMap<string, unknown>): Promise<void>;
  /**
   * The same of several names of ours, durably, in the order in which they are given: cut off, it has saved those before some
   * of them. Missing: {@link Checkpoint.save} is called for one after the other.
   */
  saveInOrder?(states: ReadonlyMap<string, ReadonlyMap<string, unknown>>): Promise<void>;
  /** Forgets a name with all its parts. */
  clear(name: string): Promise<void>;
  /** Forgets some parts of a name, and keeps the others; missing: they stay, and grow in number. */
  remove?(name: string, parts: readonly string[]): Promise<void>;
  /**
   * Positions of these tables that NimoShake follows, where this checkpoint doesn't look: a start refuses to begin anew
   * beside them. Changes nothing. Called before anything is changed, unless a run is gone on with. Missing: nobody looks.
   */
  elsewhere?(tables: readonly Table[]): Promise<Elsewhere | undefined>;
  /**
   * What it keeps of this migration, and of no other one; changes nothing. Missing: `clean` forgets what it knows by name.
   * Called by `clean`, before and after the lease is had.
   */
  left?(): Promise<{
    /** Every name under which something is kept. */
    names: string[];
    /** There is something beside those that {@link Checkpoint.vacate} removes. */
    rest: boolean;
    /** Where NimoShake's status is, if it stays because there are positions of others beside it. Missing: it doesn't. */
    shared?: string;
  }>;
  /**
   * What other migrations keep in the same place as a part of some names; changes nothing. Missing: nobody can tell.
   * Called by `clean`, which leaves a stream alone that another one follows.
   */
  others?(part: string, names: readonly string[]): Promise<Other[]>;
  /**
   * Removes the last that is there of this migration, when nothing is kept under any name: the lease that this process
   * has, what says whose the place is, and the place itself unless others have something there. Called by `clean`.
   */
  vacate?(): Promise<void>;
  /** Missing: nothing but the pid file keeps a second process away. */
  readonly lease?: LeaseKeeper;
  /**
   * Asks whether the store answers at all: for the status port's `/readyz`, which asks every 3 s at most, and not before
   * the run has begun. Missing: it counts as there, unless calls to it fail.
   *
   * @param signal aborted after 2 s
   * @throws Error why it doesn't; what it has said counts as an answer, but for a refusal of the credentials
   */
  ping?(signal: AbortSignal): Promise<void>;
  /** See `Target.outlast`; of what is saved in the store. */
  outlast?(dead: HostProcess): Promise<void>;
  /** For `check`: which rights are granted of those that it needs. Changes nothing. Missing: nobody can tell. */
  inspect?(tables: Table[], signal: AbortSignal): Promise<Inspection>;
  /** Frees what it holds; may be called twice. */
  close?(): Promise<void> | void;
}
