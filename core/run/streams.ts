/** The incremental side of a run: every table's stream, opened before the first Scan and followed after it. */
import type { RunCheckpoint, TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { followTable } from "../incr/follow-table.ts";
import { refreshStartPositions } from "../incr/kept-positions.ts";
import { describeKey } from "../schema/keys.ts";
import { type FairSemaphore } from "../flow/semaphore.ts";
import { inParallel } from "../flow/parallel.ts";
import type { TableStream } from "../incr/table-stream.ts";
import { createPollPacer, type PollPacer } from "../incr/poll-pacer.ts";
import { openStream } from "../incr/start-positions.ts";
import { beginResync, checkResync, isMendable } from "./resync.ts";
import { openTableSpool } from "../spool/table-spool.ts";
import { isUnapplied, spoolStream } from "../incr/spooled-stream.ts";
import { forgetStream } from "../checkpoint/stream-checkpoint.ts";
import { isLeftOver, startOf } from "../incr/stream-start.ts";
import { anewGap } from "../stages/table-now.ts";
import { isAnother } from "../schema/table-identity.ts";
import { migrateTable } from "./table.ts";
import type { Table } from "../types.ts";

/** Streams opened at once: enabling one takes a while. */
const OPENS = 32;

/** A table is copied again so often at most, within a day: a gap that comes back is no accident. */
const ROUNDS = 3;
const DAY = 24 * 3_600_000;

/** See the top of the file. */
export interface StreamFollower {
  /** Follows a table from now on: its full phase is done. */
  start(table: Table): void;
  /** Resolves when the run stops and all that was read is applied and noted. */
  stopped(): Promise<void>;
}

/** A table's stream, opened. */
interface Opened {
  stream: TableStream;
  /** Ends the keeping of its positions. */
  unkeep: () => Promise<void>;
  /** The gap that has ended its following, if it is to be mended. */
  gap: () => MigrationError | undefined;
}

/**
 * Opens the tables' streams, so that nothing written from now on is missed.
 *
 * @param readers requests to the source at once, for tables that have to be copied again
 * @throws MigrationError STREAM_UNFIT or STREAM_GAP
 */
export async function openStreams(
  ctx: Context,
  tables: Table[],
  run: RunCheckpoint,
  readers: FairSemaphore,
): Promise<StreamFollower> {
  const polls = createPollPacer(ctx.config);
  ctx.log.info(`opening the streams of ${tables.length} ${tables.length === 1 ? "table" : "tables"}`);
  const streams = new Map<string, Opened>();

  /** Ends what reads the streams that are opened, when the run stops; what was read is applied and noted. */
  async function close(): Promise<void> {
    await Promise.all(
      [...streams.values()].map(async ({ stream, unkeep }) => {
        await unkeep();
        await stream.spool?.stopped();
      }),
    );
  }

  try {
    await inParallel(tables, OPENS, async (table) => {
      const opened = openOrResync(ctx, table, polls, run);
      // Nobody goes on opening or reading once one has failed.
      opened.catch((error: unknown) => ctx.stop(error));
      streams.set(table.name, await opened);
    });
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  const running: Promise<void>[] = [];

  /** Follows a table until the run stops; after a gap that is to be mended it is copied again. */
  async function follow(table: Table): Promise<void> {
    const counters = ctx.progress.tables.get(table.name)!;
    let rounds: number[] = [];
    for (;;) {
      const { stream, unkeep, gap } = streams.get(table.name)!;
      await unkeep();
      if (ctx.signal.aborted) return;
      counters.stream = stream.progress;
      if (gap() === undefined) {
        counters.state = "following";
        await followTable(stream).catch((error: unknown) => {
          if (gap() === undefined) throw error;
        });
      }
      await stream.spool?.stopped();
      const lost = gap();
      if (ctx.signal.aborted || lost === undefined) return;
      rounds = [...rounds.filter((at) => Date.now() - at < DAY), Date.now()];
      if (rounds.length > ROUNDS) throw again(lost);
      await stream.checkpoint.retire();
      await beginResync(ctx, table, run.table(table), lost);
      streams.set(table.name, await open(ctx, table, polls, run));
      counters.stream = streams.get(table.name)!.stream.progress;
      await migrateTable(ctx, table, counters, run.table(table), readers);
    }
  }

  return {
    start: (table) => void running.push(follow(table).catch((error: unknown) => ctx.stop(error))),
    async stopped() {
      await new Promise((resolve) => {
        if (ctx.signal.aborted) resolve(undefined);
        else ctx.signal.addEventListener("abort", resolve, { once: true });
      });
      await Promise.all(running);
      await close();
    },
  };
}

/**
 * Makes sure that every table has a stream.
 *
 * @throws MigrationError STREAM_UNFIT
 */
export async function checkStreams(ctx: Context, tables: Table[]): Promise<void> {
  await inParallel(tables, OPENS, (table) => ctx.role("streams").open(table, ctx.signal));
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

/** The error for a gap that copying the table again doesn't close. */
function again(lost: MigrationError): MigrationError {
  const what = `${lost.message}; the table was copied again ${ROUNDS} times within a day`;
  return new MigrationError("STREAM_GAP", what, {
    cause: lost,
    hint: "see why changes are lost: a source that is too slow for them, or a stream that somebody disables; then start again",
  });
}

/** Opens a stream; one that has a gap since its table was copied is opened anew, and the table copied again. */
async function openOrResync(
  ctx: Context,
  table: Table,
  polls: PollPacer,
  run: RunCheckpoint,
): Promise<Opened> {
  const checkpoint = run.table(table);
  try {
    if (isAnother({ id: checkpoint.state?.source }, table)) throw anewGap(table);
    return await open(ctx, table, polls, run);
  } catch (error) {
    if (!isMendable(ctx, error)) throw error;
    await beginResync(ctx, table, checkpoint, error);
    return open(ctx, table, polls, run);
  }
}

async function open(ctx: Context, table: Table, polls: PollPacer, run: RunCheckpoint): Promise<Opened> {
  const own = new AbortController();
  let gap: MigrationError | undefined;
  /** In which a gap that is to be mended stops the table only. */
  const scope: Context = {
    ...ctx,
    signal: AbortSignal.any([ctx.signal, own.signal]),
    stop(reason) {
      if (!isMendable(ctx, reason)) return ctx.stop(reason);
      gap ??= reason;
      own.abort(reason);
    },
  };
  const checkpoint = run.table(table);
  const { copy, noted, key } = checkpoint.state ?? {};
  const start = await startOf(ctx, table, checkpoint);
  if (isLeftOver(checkpoint.state, start)) await forgetStream(ctx, table);
  const stream = await openStream(scope, table, polls, start);
  await spoolIfAsked(stream, checkpoint);
  if (copy !== undefined || !noted || key === undefined) {
    await checkpoint.advance({ copy: undefined, noted: true, key: describeKey(table) });
  }
  return { stream, unkeep: refreshStartPositions(stream), gap: () => gap };
}

/** Spools a stream while its table is copied, and goes on with what an earlier process has spooled. */
async function spoolIfAsked(stream: TableStream, { state, isNew }: TableCheckpoint): Promise<void> {
  const { config } = stream.ctx;
  const folder = openTableSpool(config["increase.persist.dir"], config.id, stream.table.name);
  // It goes with the positions: what nothing is noted of is another run's, or was read before a gap.
  const isStray = isNew || state?.copy !== undefined || stream.checkpoint.spooled.size === 0;
  if (isStray) await folder.remove();
  const asked = config.incr_sync_parallel && state?.stage !== "done";
  if (asked || isUnapplied(stream.checkpoint) || (await folder.isLeft()))
    stream.spool = spoolStream(stream, folder);
}
