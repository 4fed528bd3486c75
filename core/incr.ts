/** The incremental phase of one table: its stream's shards are found, and followed parents first. */
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "./errors.ts";
import { followShard } from "./follow-shard.ts";
import { gap } from "./gap.ts";
import { noteShards, type OpenStream } from "./open-stream.ts";
import type { ShardTree } from "./shards.ts";
import type { Shard } from "./types.ts";

const SECOND = 1000;
/** How often all shards are listed while one that has ended waits for its children, or one has no parent. */
const LISTING = 10 * SECOND;
/** How often else, to find those that nobody announced: calls are few, and shared by all tables of the account. */
const QUIET_LISTING = 300 * SECOND;
/** The children of a shard that has ended are looked for after such pauses; then the listing has to find them. */
const CHILDREN_AFTER = [0, 0.1, 0.2, 0.5, 1, 2, 5].map((seconds) => seconds * SECOND);
/** A stream without any open shard for so long is no stream any more. */
const SILENCE = 60 * SECOND;

/**
 * Follows a table's stream until the run stops; then what was read is applied and noted.
 *
 * @throws MigrationError STREAM_GAP, or what a write or the source failed with
 */
export async function followTable(stream: OpenStream): Promise<void> {
  const { ctx, table, tree, checkpoint } = stream;
  const { signal } = ctx;
  const following = new Set<Promise<void>>();
  let openSince = performance.now();

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

  async function follow(id: string): Promise<void> {
    const note = checkpoint.shards.get(id)!;
    const quiet = stream.readers.get(id);
    stream.readers.delete(id);
    const reader = stream.spool?.reader(note) ?? (quiet && stream.polls.pace(quiet));
    const ended = await followShard(stream, note, reader);
    if (!ended) return;
    tree.finish(id);
    ctx.log.debug(`shard ${id} of table ${table.name} has ended`);
    dispatch();
    await findChildren(id);
  }

  async function findChildren(id: string): Promise<void> {
    for (const pause of CHILDREN_AFTER) {
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const children = await listed(() => ctx.role("streams").children(table, id, signal));
      found(children);
      if (children.length > 0) return;
    }
  }

  /** A listing that fails is tried again at the next one: what is known is followed meanwhile. */
  async function listed(list: () => Promise<Shard[]>): Promise<Shard[]> {
    try {
      return await list();
    } catch (error) {
      if (signal.aborted) return [];
      if (error instanceof MigrationError && FINAL.has(error.code)) throw error;
      ctx.log.warn(`listing the shards of table ${table.name} failed: ${(error as Error).message}`);
      return [];
    }
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      const { listedAt = -Infinity } = stream;
      const quiet = performance.now() - listedAt < Math.min(QUIET_LISTING, ctx.patience * 2.5);
      if (!quiet || stream.orphans.size > 0 || expectsChildren(tree)) {
        const shards = await listed(() => ctx.role("streams").shards(table, signal));
        if (shards.length > 0) stream.listedAt = performance.now();
        found(shards);
      }
      if (following.size > 0) openSince = performance.now();
      else if (performance.now() - openSince > Math.min(SILENCE, ctx.patience / 2)) throw ended(stream);
      await sleep(Math.min(LISTING, ctx.patience / 8), undefined, { signal }).catch(() => {});
    }
  }

  stream.progress.startedAt = Date.now();
  dispatch();
  try {
    await watch();
  } catch (error) {
    ctx.stop(error);
    throw error;
  } finally {
    while (following.size > 0) await Promise.all(following);
    await checkpoint.flush();
  }
}

/** Whether a shard has ended and nobody follows it yet. */
function expectsChildren(tree: ShardTree): boolean {
  const nodes = [...tree.nodes()];
  const parents = new Set(nodes.map(({ parent }) => parent));
  return nodes.some(({ id, status }) => (status === "done" || status === "skipped") && !parents.has(id));
}

/** Nothing passes by itself here. */
const FINAL: ReadonlySet<string> = new Set(["SOURCE_DENIED", "SOURCE_GONE", "STREAM_GAP", "STREAM_UNFIT"]);

function ended({ table }: OpenStream): MigrationError {
  return gap(
    `all shards of the stream have ended and none follows, as if it was disabled: table ${table.name}`,
  );
}
