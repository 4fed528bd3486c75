/**
 * A table's stream on its way through the spool: every shard is read as its records come, while the table's full
 * phase runs for days, and applied from there after it. When all that is spooled of a shard is applied, its reader
 * goes on in the stream.
 */
import { appliedUpTo, isOver } from "../checkpoint/shard-note.ts";
import type { StreamCheckpoint } from "../checkpoint/stream-checkpoint.ts";
import { compareSequence } from "../schema/sequence-number.ts";
import type { TableSpool } from "../spool/table-spool.ts";
import { type SpooledShard, spoolShard } from "./spooled-shard.ts";
import type { SpooledStream, TableStream } from "./table-stream.ts";

/** Reads a table's stream into the spool from now on: every shard that is noted, and those that turn up. */
export function spoolStream(stream: TableStream, folder: TableSpool): SpooledStream {
  const { ctx, table, checkpoint, readers } = stream;
  const counters = ctx.progress.tables.get(table.name)!;
  /** Those whose logs aren't applied. */
  const shards = new Map<string, SpooledShard>();
  /** Those into whose logs something may still be put, applied or not. */
  const filling = new Set<Promise<void>>();
  let tidying: Promise<void> = Promise.resolve();
  let isFollowed = false;

  function weigh(): void {
    counters.spoolBytes = [...shards.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Removes what is applied of these; a shard whose log is applied is no more in the spool, and at last that is gone. */
  async function tidy(ids: string[]): Promise<void> {
    for (const id of ids) if (await shards.get(id)?.tidy()) shards.delete(id);
    weigh();
    if (!isFollowed || shards.size > 0 || stream.spool === undefined) return;
    stream.spool = undefined;
    await folder.remove();
    ctx.log.info(`the spool of table ${table.name} is applied and removed`);
  }

  function tidySoon(ids: string[]): void {
    tidying = tidying.then(() => tidy(ids)).catch((error: unknown) => ctx.stop(error));
  }

  const spool: SpooledStream = {
    take(id) {
      const quiet = readers.get(id);
      readers.delete(id);
      const shard = spoolShard(stream, folder, checkpoint.shards.get(id)!, quiet, weigh);
      shards.set(id, shard);
      // What one failed with has stopped the run.
      const filled = shard.filled.catch(() => {}).finally(() => filling.delete(filled));
      filling.add(filled);
    },

    reader(note) {
      isFollowed = true;
      return shards.get(note.id)?.reader(appliedUpTo(note), () => tidySoon([note.id]));
    },

    saved(notes) {
      for (const note of notes) shards.get(note.id)?.saved(note);
      tidySoon(notes.map(({ id }) => id));
    },

    async stopped() {
      // One may find another one while it is awaited.
      while (filling.size > 0) await Promise.all(filling);
      try {
        await checkpoint.flush();
      } finally {
        await tidying;
      }
    },
  };
  for (const note of checkpoint.shards.values()) if (!isOver(note)) spool.take(note.id);
  return spool;
}

/** Whether something was spooled that is not applied. */
export function isUnapplied({ shards, spooled }: StreamCheckpoint): boolean {
  return [...shards.values()].some(
    (note) => note.status !== "done" && compareSequence(appliedUpTo(note), spooled.get(note.id)) < 0,
  );
}
