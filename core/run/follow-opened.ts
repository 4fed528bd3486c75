/** One opened stream, followed until something ends that. */
import type { MigrationError } from "../errors.ts";
import { followTable } from "../incr/follow-table.ts";
import type { Context } from "../plugin/context.ts";
import type { TableProgress } from "../progress/progress.ts";
import { gapOf, type OpenedStream } from "./open-stream.ts";

/**
 * Follows a table's stream until the run stops, or there is a gap that is to be mended; all that was read before is
 * applied and noted then, or in the spool.
 *
 * @returns what it ends with; undefined: the run stops
 */
export async function followOpened(
  ctx: Context,
  opened: OpenedStream,
  counters: TableProgress,
): Promise<MigrationError | undefined> {
  const { stream, unkeep, unspool } = opened;
  await unkeep();
  if (ctx.signal.aborted) return undefined;
  counters.stream = stream.progress;
  if (gapOf(ctx, opened) === undefined) {
    counters.state = "following";
    opened.isFollowed = true;
    await followTable(stream);
  }
  await unspool();
  return gapOf(ctx, opened);
}
