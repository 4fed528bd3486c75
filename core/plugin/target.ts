/** The role `target`: places for tables, and what is written there. */
import type { HostProcess } from "../host/process.ts";
import type { TargetInspection } from "./inspection.ts";
import type { Stored } from "./stored.ts";
import type { Batch, SegmentUnit, Table, TargetDocument, TargetIndex, WriteResult } from "../types.ts";
import type { ChangeBatch } from "./changes.ts";
import type { EncodedBatch } from "./transcoder.ts";

/** Where a table stands that an earlier run had begun. */
export interface Resumption {
  /**
   * How many records of each unit are known to be written, the oldest ones; more may be. No unit: the table is
   * copied again over what is there, whoever wrote that.
   */
  units: { unit: SegmentUnit; written: number }[];
  /** The table's primary indexes. */
  indexes: TargetIndex[];
}

/** What building indexes gets to do its work with. */
export interface IndexOptions {
  /** Aborted when the run is to stop: nobody waits for the build any more, and the next start asks for it again. */
  signal: AbortSignal;
  /** To be told how far the build is, from 0 to 1, now and then. */
  onProgress?: (share: number) => void;
  /** To be told of a user's index that the data can't have, by its name, and what becomes of it. */
  onLeftOut?: (index: string, why: string) => void;
}

/**
 * Writes documents. Filled with `ctx.provide("target", …)`; `Roles` says what holds of every role.
 *
 * A call whose failure may pass is made again by the target. What it ends with is TARGET_UNREACHABLE, TARGET_THROTTLED,
 * TARGET_DENIED or TARGET_FAILED.
 *
 * Per table: `find`, then `makeRoom` and `create`, or `resume` where an earlier start has begun it; then, perhaps, `indexFirst`;
 * `write` or `writeEncoded`; `count`; `index`; then `apply`. With `sync_mode = incr`, where nothing is copied: `find`, `index`,
 * `apply`.
 */
export interface Target {
  /** The place in words, for messages: `database app`. */
  readonly place: string;
  /** Two documents of one key can't be there, even without a unique index. */
  readonly guardsKeys?: boolean;
  /**
   * Begins to connect, while the source is asked for its tables: a far server takes a while for that. What fails is told by the
   * next call, which meets it too. Missing: `check` connects.
   */
  connect?(): Promise<void>;
  /**
   * Connects, if need be, and refuses what can't work; changes nothing. The target's first call of a start, but for `connect`.
   *
   * @throws MigrationError TABLE_UNFIT: names that can't be had; CONFIG_INVALID: an address that can't be used
   */
  check(tables: Table[], signal: AbortSignal): Promise<void>;
  /**
   * What is there under a table's target name, as an identifier that another one made under the same name
   * wouldn't have; undefined: nothing is. It stays the same while documents and indexes come: it is kept, and a later
   * start that finds another one is refused (CHECKPOINT_MISMATCH).
   */
  find(table: Table, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Refuses tables for which no room can be made as `target.db.exist` says, before it is made for any; changes
   * nothing. Missing: it always can.
   *
   * @throws MigrationError TARGET_EXISTS or TABLE_UNFIT
   */
  checkRoom?(tables: Table[], signal: AbortSignal): Promise<void>;
  /**
   * Refuses a table whose secondary indexes it can't have, which {@link Target.check} leaves to it: a table that is begun
   * goes on without them. Asks nobody, changes nothing. Missing: it can have all that {@link Target.check} takes.
   *
   * @throws MigrationError TABLE_UNFIT
   */
  checkIndexes?(table: Table): void;
  /**
   * Drops or renames what is there, as `target.db.exist` says. Called for 8 tables at once, only where `find` has found
   * something that isn't this migration's; after a crash again, if that is still there.
   *
   * @returns what it is called now, for the report; nothing: it was dropped, or who knows
   */
  makeRoom(table: Table, signal: AbortSignal): Promise<string | undefined | void>;
  /**
   * Creates the place a table goes to; one that is there is an earlier run's, made and not filled. Called for 8
   * tables at once; after a crash again. One that something is in is refused (TARGET_EXISTS, or what the server says).
   */
  create(table: Table, signal: AbortSignal): Promise<void>;
  /**
   * Prepares for writing a table on that an earlier process, or an earlier try of this one, had begun, of which some records
   * are written that nobody remembers: they must not double. Called before the first write of such a table at each start, and,
   * without units, before a table is copied again, while others are written.
   *
   * A target that can't go on refuses it, whatever it says.
   */
  resume(table: Table, resumption: Resumption, signal: AbortSignal): Promise<void>;
  /**
   * Writes a batch of puts; when it resolves every record is durable. Safe to repeat: what has failed, or was never
   * answered, comes again in another process, and in this one where an `error` hook wants it, all of it or some.
   *
   * A batch has `full.document.write.batch` records at most, and about 2 MB of the source's. `full.document.concurrency`
   * calls (4 unless it is set) are made at once for a table, for `full.concurrency` tables. Those of a unit are made in the order of its
   * pages, without waiting for each other.
   *
   * @param signal `ctx.abandon`: aborted some seconds after the run is to stop, until then an answer is worth waiting for
   * @returns what became of each record: the counts are compared with what was read (COUNT_MISMATCH)
   * @throws MigrationError DATA_UNFIT: a document that the target never takes; DUPLICATE_KEY: one of this key is there
   */
  write(batch: Batch, signal: AbortSignal): Promise<WriteResult>;
  /** The same for documents encoded already, where the target takes what the converter's transcoder makes. */
  writeEncoded?(batch: EncodedBatch, signal: AbortSignal): Promise<WriteResult>;
  /**
   * Applies changes, at most one of a key: puts replace the whole document, deletes remove it. When it
   * resolves all of them are durable. Safe to repeat. Missing: the target can't follow streams.
   *
   * A put whose `event` is INSERT or MODIFY obeys `increase.executor.*`, unless it is `replayed`;
   * one whose event is REMOVE (deleted and put again) is written whatever is there.
   *
   * A batch has 1,000 records at most. Four calls at once are made for a shard, of different keys; the next change of a
   * key comes when the last one is answered. Shards are applied side by side. Deletes of `on_gap = resync` come here too,
   * as a unit of the full phase.
   *
   * @param signal as that of {@link Target.write}
   * @throws MigrationError as {@link Target.write}
   */
  apply?(batch: Batch, signal: AbortSignal): Promise<WriteResult>;
  /** The same for changes encoded already, where the target takes what the converter's change encoder makes. */
  applyEncoded?(batch: ChangeBatch, signal: AbortSignal): Promise<WriteResult>;
  /**
   * Builds indexes that are not there yet, after the data; gives how many are there then. Called at each start until the
   * table is done, later when the source has got new ones, and with `sync_mode = incr` at every start. A user's index
   * that the data can't have may be left out, with a warning.
   *
   * @throws MigrationError DUPLICATE_KEY when a unique one can't be built
   */
  index(table: Table, indexes: TargetIndex[], options: IndexOptions): Promise<number>;
  /**
   * Builds indexes that are cheaper built before the first document: called before the first write of a table that has few
   * records, all of them read. What can't be built then is left to `index`, which is called after the data all the same, and
   * says so; a document that such an index refuses ends as it would there. Missing: `index` builds all.
   */
  indexFirst?(table: Table, indexes: TargetIndex[], signal: AbortSignal): Promise<void>;
  /** The documents present, counted exactly: all that is acknowledged is among them. */
  count(table: Table, signal: AbortSignal): Promise<number>;
  /**
   * All documents there, some at a time, with at least their keys' fields and exact types; missing: it can't, and
   * `on_gap = resync` is refused. Called when a table is copied again, and perhaps once more to delete what it gave.
   */
  keys?(table: Table, signal: AbortSignal): AsyncIterable<TargetDocument[]>;
  /** Reads and compares what is there; missing: a copy can't be verified. */
  readonly stored?: Stored;
  /**
   * Some documents that are there, with their exact types; missing: nobody can tell. Called for tables that are taken
   * over from NimoShake, to see which `convert.type` made them.
   */
  sample?(table: Table, count: number, signal: AbortSignal): Promise<TargetDocument[]>;
  /**
   * Asks whether the target answers at all: for the status port's `/readyz`, which asks every 3 s at most, and not before
   * the run has begun. Missing: it counts as there, unless calls to it fail.
   *
   * @param signal aborted after 2 s
   * @throws Error why it doesn't; what it has said counts as an answer, but for a refusal of the credentials
   */
  ping?(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when nothing can come any more of what a process has sent that is dead, or when that can't be seen. Called
   * before its lease is taken over, where it ran on this machine and was killed: a write of its that comes later would undo
   * newer ones. Missing: nobody waits.
   */
  outlast?(dead: HostProcess): Promise<void>;
  /**
   * What `target.db.exist = rename` has put aside of these tables' names, whenever that was; missing: it renames nothing.
   * Called by `clean`, with the names that the tables have at the target.
   */
  aside?(targetNames: readonly string[], signal: AbortSignal): Promise<string[]>;
  /** Drops what `aside` gave; one that is gone is no error. Called by `clean --renamed`. */
  dropAside?(name: string, signal: AbortSignal): Promise<void>;
  /**
   * For `check`: what the target is, and which rights are granted of those that a run over these tables needs there.
   * Changes nothing; asked before {@link Target.check} too. Missing: nobody can tell.
   */
  inspect?(tables: Table[], signal: AbortSignal): Promise<TargetInspection>;
  /** Frees what the target holds; may be called twice. */
  close?(): Promise<void> | void;
}
