/** The incremental phase of one table: its stream's shards are found, and followed parents first. */
import { setTimeout as sleep } from "node:timers/promises";
import { expectChildren, findChildren, listed, settleChildren } from "./children.ts";
import { runStep } from "../stages/error-policy.ts";
import { MigrationError, streamGap } from "../errors.ts";
import { followShard, openReader } from "./follow-shard.ts";
import { watchFinished } from "./finished.ts";
import { noteListing, noteShards, type TableStream } from "./table-stream.ts";
import { anewGap, deleted } from "../stages/table-now.ts";
import { isAnother } from "../schema/table-identity.ts";
import type { ShardNote } from "../checkpoint/shard-note.ts";
import type { ShardReader } from "../plugin/roles.ts";
import { LISTED, type Shard } from "../types.ts";

const SECOND = 1000;
/**
 * How often all shards are listed while one that has ended waits for its children, or one has no parent. Else each
 * {@link LISTED}, to find those that nobody announced: calls are few, and shared by all tables of the account.
 */
const LISTING = 10 * SECOND;
/** A stream by whose listings no shard is open for so long is no stream any more. */
const SILENCE = 60 * SECOND;

/**
 * Follows a table's stream until its context is stopped, by the run or by what fails here, such as STREAM_GAP; then what
 * was read is applied and noted.
 */
export async function followTable(stream: TableStream): Promise<void> {
  const { ctx, table, tree, checkpoint } = stream;
  const { signal } = ctx;
  const following = new Set<Promise<void>>();
  /** When a listing came first by which no shard is open, by `performance.now()`. */
  let silentSince: number | undefined;

  function found(shards: Shard[]): void {
    noteShards(stream, shards);
    dispatch();
  }

  function dispatch(): void {
    if (signal.aborted) return;
    for (const id of tree.ready()) {
      tree.start(id);
      const followed = follow(id)
        .catch((error: unknown) => ctx.stop(error))
        .finally(() => following.delete(followed));
      following.add(followed);
    }
  }

  /** Reads a shard from its position. */
  function readerOf(note: ShardNote): ShardReader {
    const quiet = stream.readers.get(note.id);
    stream.readers.delete(note.id);
    // One that was read lightly may have waited for its parent long since.
    return stream.spool?.reader(note) ?? openReader(stream, note, quiet);
  }

  async function follow(id: string): Promise<void> {
    const note = checkpoint.shards.get(id)!;
    const ended = await followShard(stream, note, readerOf(note));
    if (!ended) return;
    tree.finish(id);
    // A listing may have been waited for all the time that it was followed.
    silentSince = undefined;
    ctx.log.debug(`shard ${id} of table ${table.name} has ended`);
    expectChildren(stream, id);
    dispatch();
    await findChildren(stream, id, found, signal);
  }

  function isListingDue(): boolean {
    const { listedAt = -Infinity, orphans, childless } = stream;
    const quiet = performance.now() - listedAt < Math.min(LISTED, ctx.patience * 2.5);
    return !quiet || orphans.size > 0 || childless.size > 0;
  }

  const over = watchFinished(checkpoint.shards);

  async function watch(): Promise<void> {
    let failed = false;
    while (!signal.aborted) {
      if (isListingDue()) {
        const shards = await listed(stream, () => ctx.role("streams").shards(table, signal), signal);
        failed = shards === undefined;
        if (shards !== undefined) {
          found(shards);
          if (shards.length > 0) noteListing(stream);
          settleChildren(stream);
          await runStep(ctx, { stage: "checkpoint", table }, () => checkpoint.forget(over(shards)));
        }
      }
      // Of what can't be listed nobody knows that it is over.
      if (failed || stream.progress.shards.size > 0) silentSince = undefined;
      else {
        silentSince ??= performance.now();
        if (performance.now() - silentSince > Math.min(SILENCE, ctx.patience / 2)) throw await ended(stream);
      }
      await sleep(Math.min(LISTING, ctx.patience / 8), undefined, { signal }).catch(() => {});
    }
  }

  stream.progress.startedAt = Date.now();
  stream.found = found;
  dispatch();
  await watch().catch((error: unknown) => ctx.stop(error));
  while (following.size > 0) await Promise.all(following);
  await checkpoint.flush();
}

/** The error for a stream that is over. */
async function ended({ ctx, table }: TableStream): Promise<MigrationError> {
  const describing = ctx.role("source").describe?.(table, ctx.signal);
  // Who can't tell leaves it at what is seen of the stream.
  const now = await describing?.catch(() => table);
  if (describing !== undefined && now === undefined) return deleted(table);
  if (now === undefined || !isAnother(now, table)) {
    return streamGap(
      `all shards of the stream have ended and none follows, as if it was disabled: table ${table.name}`,
    );
  }
  return anewGap(table);
}
