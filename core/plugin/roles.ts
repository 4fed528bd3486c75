/** The four roles plugins fill. */
import type { HostProcess } from "../host/process.ts";
import type {
  Batch,
  ConvertResult,
  Item,
  KeyAttribute,
  Page,
  Position,
  SegmentUnit,
  Shard,
  ShardPosition,
  ShardUnit,
  SourceRecord,
  StreamPage,
  Table,
  TargetDocument,
  TargetIndex,
  Unit,
  WriteResult,
} from "../types.ts";
import type { Stored } from "./stored.ts";
import type { EncodedBatch, Transcoder } from "./transcoder.ts";

/** What a source's reader gets to do its work with. */
export interface ReadOptions {
  /** Where to begin; undefined: at the unit's start. */
  from: Position | undefined;
  /** To be called with each request before it is sent; it may be edited there. */
  beforeRequest: (request: object) => Promise<void>;
  signal: AbortSignal;
}

/** Reads tables. Filled by a plugin with `ctx.provide("source", …)`. */
export interface Source {
  /** The tables to migrate, described and filtered by the configuration's lists. */
  tables(signal: AbortSignal): Promise<Table[]>;
  /** A table of them as it is now, whatever the lists say; undefined: it is gone. Missing: nobody asks again. */
  describe?(table: Table, signal: AbortSignal): Promise<Table | undefined>;
  /**
   * Splits a table into units that can be read at the same time.
   *
   * @param count how many an earlier run had made of it; the same units come out again
   */
  units(table: Table, count?: number): SegmentUnit[];
  /** Reads one unit page by page, in order. */
  read(unit: SegmentUnit, options: ReadOptions): AsyncIterable<Page>;
  /** Those of the keys that no item has, by consistent reads; missing: nobody can tell. */
  absent?(table: Table, keys: Item[], signal: AbortSignal): Promise<Item[]>;
  /** The items of the keys, whole, by consistent reads; missing: they can't be looked up. */
  items?(table: Table, keys: Item[], signal: AbortSignal): Promise<Item[]>;
  /** The attribute by which items expire (TTL), in seconds since 1970; undefined: none, or it isn't granted to ask. Missing: nobody can tell. */
  expiry?(table: Table, signal: AbortSignal): Promise<string | undefined>;
  /** Frees what the source holds; may be called twice. */
  close?(): Promise<void> | void;
}

/** What one request to a shard is made with. */
export interface PollOptions {
  /** Records it may bring at most; default `qps.incr.batch_num`. */
  limit?: number;
  /** To be called with the request before it is sent; it may be edited there. */
  beforeRequest: (request: object) => Promise<void>;
  signal: AbortSignal;
}

/** Reads one shard of a stream, request by request. */
export interface ShardReader {
  /**
   * Makes one request and moves behind what it brought. Renews iterators that expired, and makes calls that
   * were throttled or cut off again.
   *
   * @throws MigrationError STREAM_GAP when records that were not read are gone
   */
  poll(options: PollOptions): Promise<StreamPage>;
}

/** Follows the tables' change streams. Filled by a plugin with `ctx.provide("streams", …)`. */
export interface Streams {
  /**
   * Makes sure that a table has a stream with new and old images: enables a missing one and waits until
   * it can be read.
   *
   * @returns the stream's identifier: one made anew has another
   * @throws MigrationError STREAM_UNFIT when there is one of another kind, or the source has no streams
   */
  open(table: Table, signal: AbortSignal): Promise<string>;
  /** All shards that are listed now, in any order; asked right after the opening, those that it has seen. */
  shards(table: Table, signal: AbortSignal): Promise<Shard[]>;
  /** The shards that follow this one; empty while there are none yet. */
  children(table: Table, shard: string, signal: AbortSignal): Promise<Shard[]>;
  /** Reads a shard from a position. */
  read(unit: ShardUnit, from: ShardPosition): ShardReader;
  /** Frees what it holds; may be called twice. */
  close?(): Promise<void> | void;
}

/** Turns records into what the target stores. Filled with `ctx.provide("convert", …)`. */
export interface Converter {
  /** "double": every plain number in a document is a double; otherwise int32 where it is one. */
  numbers?: "double";
  /** Sets `key` and, for puts, `document` of every record. Throws DATA_UNFIT naming table and key. */
  convert(records: SourceRecord[], table: Table): ConvertResult;
  /** The field path at the target under which a key attribute can be indexed. */
  fieldPath(attribute: KeyAttribute): string;
  /** The short way from a page's body to what is written, where the converter has one; the same documents. */
  transcoder?(unit: Unit): Transcoder;
}

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
  signal: AbortSignal;
  /** To be told how far the build is, from 0 to 1, now and then. */
  onProgress?: (share: number) => void;
}

/** Writes documents. Filled with `ctx.provide("target", …)`. */
export interface Target {
  /** The place in words, for messages: `database app`. */
  readonly place: string;
  /** Two documents of one key can't be there, even without a unique index. */
  readonly guardsKeys?: boolean;
  /** Connects and refuses what can't work; changes nothing. */
  check(tables: Table[], signal: AbortSignal): Promise<void>;
  /**
   * What is there under a table's target name, as an identifier that another one made under the same name
   * wouldn't have; undefined: nothing is.
   */
  find(table: Table, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Refuses tables for which no room can be made as `target.db.exist` says, before it is made for any; changes
   * nothing. Missing: it always can.
   */
  checkRoom?(tables: Table[], signal: AbortSignal): Promise<void>;
  /**
   * Refuses a table whose secondary indexes it can't have, which {@link Target.check} leaves to it: a table that is begun
   * goes on without them. Changes nothing. Missing: it can have all that {@link Target.check} takes.
   */
  checkIndexes?(table: Table): void;
  /** Drops or renames what is there, as `target.db.exist` says. */
  makeRoom(table: Table, signal: AbortSignal): Promise<void>;
  /** Creates the place a table goes to; one that is there is an earlier run's, made and not filled. */
  create(table: Table, signal: AbortSignal): Promise<void>;
  /**
   * Prepares for writing a table on that an earlier process had begun, of which some records are written
   * that nobody remembers: they must not double.
   */
  resume(table: Table, resumption: Resumption, signal: AbortSignal): Promise<void>;
  /** Writes a batch; when it resolves every record is durable. Safe to repeat. */
  write(batch: Batch, signal: AbortSignal): Promise<WriteResult>;
  /** The same for documents encoded already, where the target takes what the converter's transcoder makes. */
  writeEncoded?(batch: EncodedBatch, signal: AbortSignal): Promise<WriteResult>;
  /**
   * Applies changes, at most one of a key: puts replace the whole document, deletes remove it. When it
   * resolves all of them are durable. Safe to repeat. Missing: the target can't follow streams.
   *
   * A put whose `event` is INSERT or MODIFY obeys `increase.executor.*`, unless it is `replayed`;
   * one whose event is REMOVE (deleted and put again) is written whatever is there.
   */
  apply?(batch: Batch, signal: AbortSignal): Promise<WriteResult>;
  /** Builds indexes that are not there yet, after the data; gives how many are there then. */
  index(table: Table, indexes: TargetIndex[], options: IndexOptions): Promise<number>;
  /** The documents present, counted exactly. */
  count(table: Table, signal: AbortSignal): Promise<number>;
  /** All documents there, some at a time, with at least their keys' fields and exact types; missing: it can't. */
  keys?(table: Table, signal: AbortSignal): AsyncIterable<TargetDocument[]>;
  /** Reads and compares what is there; missing: a copy can't be verified. */
  readonly stored?: Stored;
  /** Some documents that are there, with their exact types; missing: nobody can tell. */
  sample?(table: Table, count: number, signal: AbortSignal): Promise<TargetDocument[]>;
  /** Frees what the target holds; may be called twice. */
  close?(): Promise<void> | void;
}

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

/** Keeps the lease of a migration, so that one process of an id writes at a time, wherever it runs. */
export interface LeaseKeeper {
  /**
   * Gives the lease to a process, if it has it already, or nobody has it, or it wasn't renewed for `ttl` ms, or the
   * token `over` has it. From then on a save fails with ALREADY_RUNNING once it is another's.
   *
   * @returns who has it now
   */
  claim(ours: Holder, options: { ttl: number; over?: string }): Promise<Holding>;
  /** Renews it if the process has it, however old it is; gives who has it now, undefined: nobody. */
  renew(ours: Holder): Promise<Holding | undefined>;
  /** Gives it back, if the process has it. */
  release(ours: Holder): Promise<void>;
}

/** Keeps what a resumed run needs, by name and part. Filled with `ctx.provide("checkpoint", …)`. */
export interface Checkpoint {
  /** The place in words, for messages: `folder ./checkpoint-state`. */
  readonly place: string;
  /** Refuses tables whose states it can't keep apart; changes nothing. */
  check?(tables: Table[], signal: AbortSignal): Promise<void>;
  /** What was saved under a name, part by part; empty when nothing was. */
  load(name: string): Promise<Map<string, unknown>>;
  /** Saves JSON-safe states durably; parts of the name that are not given stay as they are. */
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

/** The roles a plugin can fill, each once. */
export interface Roles {
  source: Source;
  streams: Streams;
  target: Target;
  convert: Converter;
  checkpoint: Checkpoint;
}
