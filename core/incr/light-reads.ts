/** Quiet shards read lightly, one record at most: an iterator lives 15 minutes, a record's number lasts. */
import { believed } from "../host/clock.ts";
import type { ShardReader } from "../plugin/roles.ts";
import type { Shard, StreamPage } from "../types.ts";
import { isWhole, refusingExpired } from "./shard-age.ts";
import { noteShards, type TableStream } from "./table-stream.ts";

/** Light reads at once. */
export const PROBES = 16;

const noHook = async (): Promise<void> => {};

/** Notes shards that are new, which are read lightly from their first record: an earlier one can't be there. */
export function noteLightly(stream: TableStream, shards: Shard[]): void {
  const { ctx, table, checkpoint, readers } = stream;
  const found = noteShards(stream, shards);
  if (stream.spool !== undefined) return;
  for (const id of found) {
    // A light read tells of what is there now: it must not hide what has expired before.
    const note = checkpoint.shards.get(id)!;
    if (!isWhole(checkpoint.shards, note)) continue;
    const reader = ctx.role("streams").read({ phase: "incr", table, shard: id }, { at: "horizon" });
    readers.set(id, refusingExpired(reader, table, checkpoint.shards, note));
  }
}

/**
 * Reads a quiet shard lightly, and notes its first record's position, its end, or that it is still quiet. Goes on in a
 * pause: it brings nothing to the target, and what it notes is what the changes made meanwhile are found by.
 */
export async function readLightly(
  { checkpoint, readers, tree, polls }: TableStream,
  id: string,
  reader: ShardReader,
  signal: AbortSignal,
): Promise<StreamPage> {
  const poll = (limit?: number): Promise<StreamPage> =>
    polls.pace(reader).poll({ ...(limit !== undefined && { limit }), beforeRequest: noHook, signal });
  let page = await poll(1);
  // One by one, those that are left out would take hours.
  while (page.records.length === 0 && page.skipped && !page.ended) page = await poll();
  const note = checkpoint.shards.get(id)!;
  const [first] = page.records;
  if (first?.sequenceNumber !== undefined) {
    readers.delete(id);
    const position = { at: "sequence", number: first.sequenceNumber, inclusive: true } as const;
    checkpoint.note({ ...note, position, ...(first.time !== undefined && { time: first.time }) });
  } else if (page.ended && tree.ready().includes(id)) {
    readers.delete(id);
    tree.start(id);
    tree.finish(id);
    checkpoint.note({ ...note, status: "done" });
  } else {
    // Also one that has ended before the shard it follows: there was nothing in it.
    checkpoint.note({ ...note, notedAt: believed(page.sentAt) });
  }
  return page;
}
