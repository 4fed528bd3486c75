/** Noting at once how far a table's stream is applied, for who compares it: a shard at rest is noted only now and then. */
import { isOver } from "../checkpoint/shard-note.ts";
import { believed } from "../host/clock.ts";
import type { TableStream } from "./table-stream.ts";

/**
 * Notes of each shard that is at its tip up to when all of it is applied, and saves what isn't saved yet.
 *
 * @throws MigrationError what a save fails with; the run is stopped by it
 */
export async function noteNow({ progress, checkpoint }: TableStream): Promise<void> {
  for (const [id, { settledAt }] of progress.shards) {
    const note = checkpoint.shards.get(id);
    // What hasn't moved isn't noted again: that notes change tells who waits that something goes on.
    if (note === undefined || isOver(note) || settledAt === undefined) continue;
    if (settledAt > (note.notedAt ?? 0)) checkpoint.note({ ...note, notedAt: believed(settledAt) });
  }
  await checkpoint.flush();
}
