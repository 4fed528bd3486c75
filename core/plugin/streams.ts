/** The role `streams`: the tables' changes, shard by shard. */
import type { StreamsInspection } from "./inspection.ts";
import type { Shard, ShardPosition, ShardUnit, StreamPage, Table } from "../types.ts";

/** What one request to a shard is made with. */
export interface PollOptions {
  /** Records it may bring at most; default `qps.incr.batch_num`. */
  limit?: number;
  /**
   * To be awaited with each request before it is sent, once however often it is sent again; it may be edited there. It
   * waits for room in memory too. What it throws is thrown.
   */
  beforeRequest: (request: object) => Promise<void>;
  /** To be awaited where a page is made without a request; core's own, for what it reads from the spool. */
  room?: () => Promise<void>;
  /** Aborted when the shard is to be read no further: nothing is requested any more. */
  signal: AbortSignal;
}

/** Reads one shard of a stream, request by request. */
export interface ShardReader {
  /**
   * Makes one request and moves behind what it brought. Renews iterators that expired, and makes calls that
   * were throttled or cut off again.
   *
   * Called again when the last answer is taken, never two at once; `increase.concurrency` shards are asked at the same
   * time, `qps.incr` times a second in all. A shard that brought nothing is asked after 0.05 to 1 s, where there are many
   * and nothing has come for minutes after 5 s at most; while its table is copied without `incr_sync_parallel`, every 3 to 300 s, with a limit of 1.
   *
   * After a failure it may be called again, as an `error` hook wants, and goes on where it was. At a shard's end it
   * may be too, and says again that it has ended.
   *
   * @throws MigrationError STREAM_GAP when records that were not read, or the shard, are gone: no hook is asked about that.
   * A shard may be asked that is named as a parent and not listed: where it is gone and something else is said of it, it is
   * waited for
   */
  poll(options: PollOptions): Promise<StreamPage>;
}

/**
 * Follows the tables' change streams. Filled by a plugin with `ctx.provide("streams", …)`; `Roles` says what holds of
 * every role. Asked by `sync_mode = all` and `incr` only.
 *
 * A call whose failure may pass is made again by whoever fills the role. What it ends with are a source's codes,
 * SOURCE_UNREACHABLE and so on, beside STREAM_UNFIT and STREAM_GAP.
 */
export interface Streams {
  /**
   * Makes sure that a table has a stream with new and old images: enables a missing one and waits until that can be read.
   * Of one that is there `shards` may tell.
   *
   * Called for every table at each start, 32 at once, before the table's first item is read; where a table is yet to be
   * begun, once more before anything is changed at the target, and `shards` of that table after it. Called again before a
   * table is copied again.
   *
   * @param onEnable to be awaited, with true, before a stream is enabled that wasn't there; and, with false, when it
   * turns out that it wasn't this call that enabled it. Who isn't told isn't asked to `disable` it in the end
   * @returns the stream's identifier: one made anew has another. It is kept; another one later is a gap
   * @throws MigrationError STREAM_UNFIT when there is one of another kind, it can't be read in time, or the source has
   * no streams; SOURCE_GONE when the table was made anew since `Source.tables`
   */
  open(table: Table, signal: AbortSignal, onEnable?: (ours: boolean) => Promise<void>): Promise<string>;
  /**
   * The identifier of the stream that a table of this name has now, enabled; undefined: it has none, or the table is
   * gone. Missing: nobody can tell, and `clean` leaves streams alone. Asked by `clean`, of tables whose stream the
   * migration has enabled.
   */
  enabled?(table: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * When a stream was made, by its identifier, in ms since 1970; undefined: that doesn't tell. Missing: none does. Asked
   * whether it is the one that a process has enabled which was killed before it knew which.
   */
  madeAt?(stream: string): number | undefined;
  /**
   * A time that has come by the clock that dates the records, such as an answer's, in ms since 1970; undefined: it isn't
   * known, or that clock may be set back by minutes. Missing: it never is. Asked before the first Scan of a table, whose
   * changes until then needn't be applied.
   */
  clock?(): number | undefined;
  /** Disables a table's stream; one that is disabled already is no error. Called by `clean`, after `enabled`. */
  disable?(table: string, signal: AbortSignal): Promise<void>;
  /**
   * All shards that are listed now, open and closed, in any order; asked right after the opening, unless positions are
   * known from a short while ago, those that it has seen. Of a stream that can't be read yet they are waited for then. The
   * list may lack some: new ones may come late, and only who is missing in three lists is taken for gone.
   *
   * Asked while a table is followed: every 5 min, and every 10 s while children or parents are looked for. Right after
   * the opening a failure ends the run; later it is a warning, unless it is SOURCE_DENIED, SOURCE_GONE, STREAM_UNFIT or
   * STREAM_GAP.
   *
   * @throws MigrationError STREAM_UNFIT when the stream can't be read
   */
  shards(table: Table, signal: AbortSignal): Promise<Shard[]>;
  /**
   * The shards that follow this one; empty while there are none yet. Asked as soon as a shard has ended, again and
   * again for 9 s while there are none; a failure is taken as one of `shards`.
   */
  children(table: Table, shard: string, signal: AbortSignal): Promise<Shard[]>;
  /**
   * Makes a reader of a shard from a position; asks nobody yet. A reader isn't closed, it is only asked no more; another
   * one of the same shard may follow it.
   */
  read(unit: ShardUnit, from: ShardPosition): ShardReader;
  /**
   * For `check`: what {@link Streams.open} would do and refuse, and which rights are granted, without a change. Missing:
   * nobody can tell.
   */
  inspect?(tables: Table[], signal: AbortSignal): Promise<StreamsInspection>;
  /** Frees what it holds; may be called twice. */
  close?(): Promise<void> | void;
}
