/** The incremental side of a run: every table's stream, opened before the table's first Scan and followed after it. */
import type { RunCheckpoint, TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { type ErrorCode, MigrationError } from "../errors.ts";
import { inParallel, valuesOf } from "../flow/parallel.ts";
import type { FairSemaphore } from "../flow/semaphore.ts";
import { noteNow } from "../incr/note-now.ts";
import { createPollPacer } from "../incr/poll-pacer.ts";
import type { Context } from "../plugin/context.ts";
import type { FirstLook, TableStream } from "../incr/table-stream.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import { anewGap } from "../stages/table-now.ts";
import { endDeleted, fateOf, isGone } from "./deleted-table.ts";
import { followOpened } from "./follow-opened.ts";
import { gapOf, type OpenedStream, openKept, openOrResync } from "./open-stream.ts";
import type { Ready } from "./ready-tables.ts";
import { beginResync, checkResync, isMendable } from "./resync.ts";
import { scopedContext } from "./scoped-context.ts";
import { OPENS } from "./stream-looks.ts";
import { migrateTable } from "./table.ts";

/** See the top of the file. */
export interface StreamFollower {
  /**
   * Resolves when a table's stream is opened: what is written from then on isn't missed. Where that fails, or the run
   * stops before, it throws why.
   */
  opened(table: Table): Promise<void>;
  /**
   * Opens the stream of a table that joins the run; what fails is thrown and stops nothing but what the scope stops.
   *
   * @param scope the run's context, or a part's
   * @param look what was seen of it before
   */
  join(scope: Context, table: Table, look?: FirstLook): Promise<void>;
  /** Ends what reads the stream of a table that has joined, and isn't followed. */
  leave(table: Table): Promise<void>;
  /** Follows a table from now on: its full phase is done. */
  start(table: Table): void;
  /** The stream of a table that is followed now; undefined: it isn't, or there is a gap. */
  followed(table: string): TableStream | undefined;
  /**
   * Notes up to when what was written to a table is applied, and saves it: without that a table at rest notes it now and then.
   *
   * @returns whether it is followed
   * @throws MigrationError what the save fails with; the run is stopped by it
   */
  note(table: string): Promise<boolean>;
  /** Somebody waits for all shards to be asked: none waits long for its turn, until this is disposed. */
  hurry(): Disposable;
  /** Resolves when the run stops and all that was read is applied and noted. */
  stopped(): Promise<void>;
}

/**
 * Opens the tables' streams, in their order and some at once. The first failure stops the run.
 *
 * @param readers requests to the source at once, for tables that have to be copied again
 * @param ready what is to be done for a table before; gives what was seen of its stream. Default: nothing
 * @param onDeleted told of a table that is followed no more, for it was deleted at the source; default: nobody is
 */
export function openStreams(
  ctx: Context,
  tables: Table[],
  run: RunCheckpoint,
  readers: FairSemaphore,
  ready: Ready = async () => undefined,
  onDeleted: (table: Table) => void = () => {},
): StreamFollower {
  const polls = createPollPacer(ctx.config);
  // For as long as the run lasts.
  ctx.onSet(polls.resized);
  ctx.log.info(`opening the streams of ${tables.length} ${tables.length === 1 ? "table" : "tables"}`);
  const streams = new Map<string, OpenedStream>();
  const openings = new Map(tables.map(({ name }) => [name, Promise.withResolvers<void>()]));
  // Who copies the table hears of it; the run may stop before.
  for (const { promise } of openings.values()) promise.catch(() => {});

  async function open(table: Table): Promise<void> {
    const { resolve, reject } = openings.get(table.name)!;
    try {
      ctx.signal.throwIfAborted();
      const look = await ready(table);
      streams.set(table.name, await openOrResync(ctx, table, polls, run, look));
      resolve();
    } catch (error) {
      // Nobody goes on opening or reading once one has failed.
      ctx.stop(error);
      reject(error);
    }
  }
  const opening = inParallel(tables, OPENS, open);

  /** Ends what reads the streams that are opened, when the run stops; what was read is applied and noted. */
  async function close(): Promise<void> {
    const ends = [...streams.values()].map(async ({ unkeep, unspool }) => {
      try {
        await unkeep();
      } finally {
        await unspool();
      }
    });
    // Where one fails, the others are awaited as well: nobody writes behind the run's end.
    valuesOf(await Promise.allSettled(ends));
  }

  const running = new Set<Promise<void>>();

  /** Ends what reads a table's stream. */
  async function leave({ name }: Table): Promise<void> {
    const opened = streams.get(name);
    streams.delete(name);
    if (opened === undefined) return;
    await opened.unkeep();
    await opened.unspool();
    await opened.stream.checkpoint.retire();
  }

  /** Follows a table until the run stops, or the table is gone; after a gap that is to be mended it is copied again. */
  async function follow(table: Table): Promise<void> {
    const counters = ctx.progress.tables.get(table.name)!;
    const checkpoint = run.table(table);
    let lost = await followOpened(ctx, streams.get(table.name)!, counters);
    while (lost !== undefined) {
      const { code } = lost;
      const fate = isMendable(ctx, lost) ? "there" : await fateOf(ctx, table);
      if (fate === "deleted") return await end(table, code);
      if (fate === "made anew") lost = anewGap(table);
      if (!isMendable(ctx, lost)) throw lost;
      lost = await copyAgain(table, counters, checkpoint, lost);
    }
  }

  /** Copies a table again and follows it; gives what that ends with. */
  async function copyAgain(
    table: Table,
    counters: TableProgress,
    checkpoint: TableCheckpoint,
    lost: MigrationError,
  ): Promise<MigrationError | undefined> {
    const scope = scopedContext(ctx, isGone);
    try {
      await leave(table);
      await beginResync(scope, table, checkpoint, lost);
      const anew = await openKept(scope, table, polls, checkpoint);
      streams.set(table.name, anew);
      counters.stream = anew.stream.progress;
      await migrateTable(scope, table, counters, checkpoint, readers);
      return await followOpened(ctx, anew, counters);
    } catch (error) {
      // What keeps its positions ends, too.
      scope.stop(error);
      if (ctx.signal.aborted) throw error;
      return scope.signal.reason as MigrationError;
    }
  }

  /** A table is gone. @param code what its following has ended with */
  async function end(table: Table, code: ErrorCode): Promise<void> {
    const shards = streams.get(table.name)?.stream.progress.shards.size;
    await leave(table);
    await endDeleted(ctx, table, run.table(table), code === "SOURCE_GONE" && shards === 0);
    onDeleted(table);
  }

  function followed(table: string): TableStream | undefined {
    const opened = streams.get(table);
    const isFollowed = ctx.progress.tables.get(table)?.state === "following";
    return opened !== undefined && isFollowed && gapOf(ctx, opened) === undefined ? opened.stream : undefined;
  }

  return {
    opened: ({ name }) => openings.get(name)!.promise,
    followed,
    async note(table) {
      const stream = followed(table);
      if (stream !== undefined) await noteNow(stream);
      return stream !== undefined;
    },
    hurry: polls.hurry,
    async join(scope, table, look) {
      const opened = await openOrResync(scope, table, polls, run, look);
      streams.set(table.name, opened);
      ctx.progress.tables.get(table.name)!.stream = opened.stream.progress;
    },
    leave,
    start(table) {
      const followed = follow(table)
        .catch((error: unknown) => ctx.stop(error))
        .finally(() => running.delete(followed));
      running.add(followed);
    },
    async stopped() {
      await new Promise((resolve) => {
        if (ctx.signal.aborted) resolve(undefined);
        else ctx.signal.addEventListener("abort", resolve, { once: true });
      });
      await opening;
      while (running.size > 0) await Promise.all(running);
      await close();
    },
  };
}

/**
 * Refuses a target that can't take changes, before anything is written.
 *
 * @throws MigrationError CONFIG_INVALID
 */
export function checkFollowing(ctx: Context): void {
  const target = ctx.role("target");
  if (target.apply === undefined) {
    throw new MigrationError("CONFIG_INVALID", `changes can't be applied there: ${target.place}`, {
      hint: "set sync_mode = full, or another target.type",
    });
  }
  checkResync(ctx);
}
