/** The role `source`: which tables there are, and their items, unit by unit. */
import type { Attempt } from "../flow/attempt.ts";
import type { SourceInspection } from "./inspection.ts";
import type { Item, Page, Position, SegmentUnit, Table } from "../types.ts";

export type { Attempt } from "../flow/attempt.ts";

/** What a source's reader gets to do its work with. */
export interface ReadOptions {
  /** Where to begin: behind the page that had this position, here or in an earlier process; undefined: at the start. */
  from: Position | undefined;
  /**
   * To be awaited with each request before it is sent, once however often it is sent again; it may be edited there. It
   * waits for room in memory too, and while the run is paused, which may take long. What it throws ends the reading.
   */
  beforeRequest: (request: object) => Promise<void>;
  /** Aborted when the run is to stop: nothing is requested any more. */
  signal: AbortSignal;
}

/**
 * Reads tables. Filled by a plugin with `ctx.provide("source", …)`; `Roles` says what holds of every role.
 *
 * A call whose failure may pass is made again by the source. What it ends with is SOURCE_UNREACHABLE, SOURCE_THROTTLED,
 * SOURCE_DENIED, SOURCE_GONE (the table was deleted) or SOURCE_FAILED.
 */
export interface Source {
  /**
   * The tables to migrate, described and filtered by the configuration's lists. Asked once a start, before anything is
   * changed; hooks edit what comes. A source without `describe` is asked again before a table is copied again.
   *
   * @param attempt what refuses single tables is to be thrown within it, with their names, and they are left out
   * @throws MigrationError TABLE_MISSING: the lists name a table in vain, or leave none; TABLE_UNFIT: one can't be read
   */
  tables(signal: AbortSignal, attempt?: Attempt): Promise<Table[]>;
  /**
   * A table of them as it is now, whatever the lists say; undefined: it is gone, or about to be. Missing: that a table was deleted or
   * made anew while it was copied isn't noticed.
   *
   * Asked at the end of a table's copy, when a copy fails with what another table may explain, when a stream has no
   * open shard any more, and before a table is copied again. Asked for an explanation, its own failure doesn't count.
   */
  describe?(table: Table, signal: AbortSignal): Promise<Table | undefined>;
  /**
   * The tables that the configuration's lists let through now and that aren't known yet, described as by
   * {@link Source.tables}; one that can't be read yet comes when it can. Missing: a table that appears while the streams
   * are followed waits for the next start.
   *
   * Asked with `sync_mode = all` and `incr` every `increase.new_tables` seconds once all is copied, and by a switch-over. A
   * failure is a warning; after SOURCE_DENIED it isn't asked again.
   *
   * @param known their names
   */
  newTables?(known: ReadonlySet<string>, signal: AbortSignal): Promise<Table[]>;
  /**
   * Splits a table into units that can be read at the same time. Asks nobody, and is called several times a start: what
   * it gives without a count is noted, and from then on the count is given.
   *
   * @param count how many an earlier call had made of it; the same units come out again, in their order. 0: none, for the
   * table was copied by NimoShake, or not at all
   */
  units(table: Table, count?: number): SegmentUnit[];
  /**
   * Reads one unit page by page, in order. A page may be without records; the last one has no position, all others
   * have one.
   *
   * The next page is asked for while the one before is worked on, and no two of one unit at once. All units of a table
   * are begun together; of all tables so many are asked at the same time as `full.read.concurrency` says, 200 at most.
   * A reader that has thrown gives nothing more: where an `error` hook answers `retry`, the unit is read anew from behind
   * the last page. One that is left before its end is told by `return`.
   */
  read(unit: SegmentUnit, options: ReadOptions): AsyncIterable<Page>;
  /**
   * Those of the keys that no item has, by consistent reads. Missing: nobody can tell, and `on_gap = resync` is refused.
   *
   * Asked after a table was copied again, with 500 keys at most, no two the same, four times at once. What it fails with
   * ends the run; the next start asks for all of them anew.
   */
  absent?(table: Table, keys: Item[], signal: AbortSignal): Promise<Item[]>;
  /**
   * The items of the keys that are there, whole and in any order, by consistent reads. Asked in place of `absent`, in
   * the same way, when plugins may change or drop records; missing: `on_gap = resync` is refused then.
   */
  items?(table: Table, keys: Item[], signal: AbortSignal): Promise<Item[]>;
  /**
   * The attribute by which items expire (TTL), in seconds since 1970; undefined: none, or it isn't granted to ask.
   * Missing: nobody can tell. Asked once a table by `verify`.
   */
  expiry?(table: Table, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Asks whether the source answers at all: for the status port's `/readyz`, which asks every 3 s at most, and not before
   * the run has begun. Missing: it counts as there, unless calls to it fail.
   *
   * @param signal aborted after 2 s
   * @throws Error why it doesn't; what it has said counts as an answer, but for a refusal of the credentials
   */
  ping?(signal: AbortSignal): Promise<void>;
  /**
   * What `check` shows of tables that {@link Source.tables} gave, and which rights are granted, each tried by itself with
   * the smallest read there is. Changes nothing; a right that is missing is no failure. Missing: nobody can tell.
   */
  inspect?(tables: Table[], signal: AbortSignal): Promise<SourceInspection>;
  /** Frees what the source holds; may be called twice. */
  close?(): Promise<void> | void;
}
