/** A shard's records on their way from the stream into its log. */
import { believed } from "../host/clock.ts";
import { OBJECTS } from "../flow/memory-budget.ts";
import { createPageRoom } from "../flow/page-room.ts";
import type { ShardReader } from "../plugin/roles.ts";
import type { ShardLog } from "../spool/shard-log.ts";
import type { ShardUnit } from "../types.ts";
import { expectChildren, findChildren } from "./children.ts";
import { isOlder } from "./follow-shard.ts";
import { noteShards, type TableStream } from "./table-stream.ts";
import { watchTip } from "./tip.ts";

/**
 * Reads a shard into its log up to its end, and looks for its children then; or until the signal comes. Goes on in a
 * pause: what the log doesn't have by the time it is resumed may have expired.
 *
 * @param reader behind what is in the log
 * @param onSize told when the log has grown
 */
export async function fillLog(
  stream: TableStream,
  shard: string,
  log: ShardLog,
  reader: ShardReader,
  signal: AbortSignal,
  onSize: () => void,
): Promise<void> {
  try {
    if (!log.ended) await fill(stream, shard, log, reader, signal, onSize);
    if (!log.ended) return;
    expectChildren(stream, shard);
    await findChildren(stream, shard, (shards) => void noteShards(stream, shards), signal);
  } catch (error) {
    // Also while it is drained: who reads goes on behind what couldn't be put into the log.
    if (!stream.ctx.signal.aborted) stream.ctx.stop(error);
  }
}

async function fill(
  { ctx, table, checkpoint, polls }: TableStream,
  shard: string,
  log: ShardLog,
  reader: ShardReader,
  signal: AbortSignal,
  onSize: () => void,
): Promise<void> {
  const unit: ShardUnit = { phase: "incr", table, shard };
  const memory = ctx.memory.unit("changes");
  const room = createPageRoom(memory, () => OBJECTS);
  const beforeRequest = async (request: object): Promise<void> => {
    await ctx.call("fetch:before", { phase: "incr", table, unit, request });
    await room.reserve(signal);
  };
  const tip = watchTip();
  try {
    for await (const page of polls.pages(() => reader.poll({ signal, beforeRequest }), signal)) {
      const held = room.take(page.bytes);
      // Durable before anybody knows how far the shard is read.
      await log.append(page.records);
      held.release();
      page.release?.();
      if (page.ended) await log.end();
      tip.saw(page);
      if (page.records.length > 0) {
        checkpoint.noteSpooled(shard, log.readUpTo!);
        onSize();
      }
      // An end that is seen now may have been there for hours.
      const readAt = (page.ended ? undefined : tip.settled?.at) ?? page.records.at(-1)?.time;
      // All that was there then is in the log: what isn't was written later, and so were its children's records.
      const note = checkpoint.shards.get(shard)!;
      if (readAt !== undefined && isOlder(note.notedAt, readAt))
        checkpoint.note({ ...note, notedAt: believed(readAt) });
    }
  } finally {
    memory.close();
  }
}
