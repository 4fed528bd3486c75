/** Whether all that was written to a table up to a time is applied. */
import { isOver } from "../checkpoint/shard-note.ts";
import { listed } from "./children.ts";
import type { TableStream } from "./table-stream.ts";

/**
 * Whether every shard was surely at its tip by requests sent after a time, with all that came applied; and no shard is
 * known that isn't followed: one that waits for its parent, or whose parent was never seen, or the children of one that
 * has ended.
 *
 * @param at in ms since 1970
 */
export function isAtTip({ ctx, progress, checkpoint }: TableStream, at: number): boolean {
  const { shards, waiting, isUnlisted = false } = progress;
  if (ctx.signal.aborted || shards.size === 0 || waiting.size > 0 || isUnlisted) return false;
  for (const note of checkpoint.shards.values()) if (!isOver(note) && !shards.has(note.id)) return false;
  return [...shards.values()].every(({ settledFrom }) => settledFrom !== undefined && settledFrom > at);
}

/**
 * Lists a table's shards once more: children may be listed later than their parents' ends are seen, one later than the
 * other. Those that are new are followed from then on.
 *
 * @returns what is followed now, as text; undefined: the listing failed. What its failure ends the table with, it ends
 */
export async function lookForShards(stream: TableStream): Promise<string | undefined> {
  const { ctx, table } = stream;
  try {
    const shards = await listed(stream, () => ctx.role("streams").shards(table, ctx.signal), ctx.signal);
    if (shards === undefined || stream.found === undefined) return undefined;
    stream.found(shards);
    return followedNow(stream);
  } catch (error) {
    ctx.stop(error);
    return undefined;
  }
}

/** The shards that are followed, as text. */
export function followedNow({ progress }: TableStream): string {
  return [...progress.shards.keys()].toSorted().join(" ");
}
