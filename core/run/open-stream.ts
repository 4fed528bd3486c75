/** One table's stream, opened before its first Scan and anew when its table is copied again. */
import type { RunCheckpoint, TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { forgetStream } from "../checkpoint/stream-parts.ts";
import type { MigrationError } from "../errors.ts";
import { refreshStartPositions } from "../incr/kept-positions.ts";
import type { PollPacer } from "../incr/poll-pacer.ts";
import { isUnapplied, spoolStream } from "../incr/spooled-stream.ts";
import { openStream } from "../incr/start-positions.ts";
import { isLeftOver, startOf } from "../incr/stream-start.ts";
import type { FirstLook, TableStream } from "../incr/table-stream.ts";
import type { Context } from "../plugin/context.ts";
import { describeKey } from "../schema/keys.ts";
import { isAnother } from "../schema/table-identity.ts";
import { openTableSpool } from "../spool/table-spool.ts";
import { anewGap } from "../stages/table-now.ts";
import type { Table } from "../types.ts";
import { mayBeDeleted } from "./deleted-table.ts";
import { beginResync, isMendable } from "./resync.ts";
import { scopedContext } from "./scoped-context.ts";

/**
 * A table's stream, opened. A gap that is to be mended stops its context, and not the run's; so does, while it is followed,
 * what it ends with where its table is gone.
 */
export interface OpenedStream {
  stream: TableStream;
  /** Its table is copied, and its changes are applied. */
  isFollowed: boolean;
  /** Ends the keeping of its positions. */
  unkeep: () => Promise<void>;
  /** Resolves when the run has stopped and nothing is done with its spool any more, though that may be gone. */
  unspool: () => Promise<void>;
}

/**
 * Opens a stream; one that has a gap since its table was copied is opened anew, and the table copied again.
 *
 * @param look what was seen of it before
 */
export async function openOrResync(
  ctx: Context,
  table: Table,
  polls: PollPacer,
  run: RunCheckpoint,
  look?: FirstLook,
): Promise<OpenedStream> {
  const checkpoint = run.table(table);
  try {
    if (isAnother({ id: checkpoint.state?.source }, table)) throw anewGap(table);
    return await openKept(ctx, table, polls, checkpoint, look);
  } catch (error) {
    if (!isMendable(ctx, error)) throw error;
    await beginResync(ctx, table, checkpoint, error);
    return openKept(ctx, table, polls, checkpoint);
  }
}

/**
 * Opens a stream; its positions are kept from then on.
 *
 * @param look what was seen of it before
 */
export async function openKept(
  ctx: Context,
  table: Table,
  polls: PollPacer,
  checkpoint: TableCheckpoint,
  look?: FirstLook,
): Promise<OpenedStream> {
  const isOwn = (reason: unknown): boolean =>
    isMendable(ctx, reason) || (opened?.isFollowed === true && mayBeDeleted(reason));
  let opened: OpenedStream | undefined;
  const scope = scopedContext(ctx, isOwn);
  const { copy, noted, key, deletedAt } = checkpoint.state ?? {};
  const { isForgotten = false } = look ?? {};
  // Its place was made by this start, too.
  const isBegun = isForgotten && checkpoint.state?.stage === "copying";
  const start = isBegun ? "now" : await startOf(ctx, table, checkpoint);
  if (!isForgotten && isLeftOver(checkpoint.state, start)) await forgetStream(ctx, table);
  const stream = await openStream(scope, table, polls, start, look);
  await spoolIfAsked(stream, checkpoint);
  // It is taken off the stream before its folder is removed.
  const { spool } = stream;
  const unspool = async (): Promise<void> => spool?.stopped();
  try {
    if (copy !== undefined || !noted || key === undefined || deletedAt !== undefined) {
      await checkpoint.advance({
        copy: undefined,
        noted: true,
        key: describeKey(table),
        deletedAt: undefined,
      });
    }
  } catch (error) {
    // Nobody else knows of it, and it must not read on behind the run's end.
    scope.stop(error);
    await unspool().catch(() => {});
    await stream.checkpoint.retire().catch(() => {});
    throw error;
  }
  opened = { stream, isFollowed: false, unkeep: refreshStartPositions(stream), unspool };
  return opened;
}

/** What has stopped a table's stream; undefined: nothing has, or the run stops. */
export function gapOf(ctx: Context, { stream }: OpenedStream): MigrationError | undefined {
  return ctx.signal.aborted ? undefined : (stream.ctx.signal.reason as MigrationError | undefined);
}

/** Spools a stream while its table is copied, and goes on with what an earlier process has spooled. */
async function spoolIfAsked(stream: TableStream, { state, isNew }: TableCheckpoint): Promise<void> {
  const { config } = stream.ctx;
  const folder = openTableSpool(config["increase.persist.dir"], config.id, stream.table.name, () =>
    stream.ctx.mayWrite(),
  );
  // The spool goes with the positions: without them it is another run's, or was read before a gap.
  const isStray = isNew || state?.copy !== undefined || stream.checkpoint.spooled.size === 0;
  if (isStray) await folder.remove();
  const asked = config.incr_sync_parallel && state?.stage !== "done";
  if (asked || isUnapplied(stream.checkpoint) || (await folder.isLeft()))
    stream.spool = spoolStream(stream, folder);
}
