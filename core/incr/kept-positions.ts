/** The positions of a table's stream, kept while its full phase runs: quiet shards are read lightly, new ones are noted. */
import { setTimeout as sleep } from "node:timers/promises";
import { expectChildren, findChildren, listed, settleChildren } from "./children.ts";
import { inParallel } from "../flow/parallel.ts";
import { noteListing, type TableStream } from "./table-stream.ts";
import { noteLightly, PROBES, readLightly } from "./light-reads.ts";
import type { PollPacer } from "./poll-pacer.ts";
import type { ShardReader } from "../plugin/roles.ts";
import { refuseExpired } from "./shard-age.ts";
import { LISTED, type Shard } from "../types.ts";

const SECOND = 1000;
/** Between two light reads of one shard: well below an iterator's 15 minutes, and few in all, whosever shards they are. */
const LIGHT = { least: 3 * SECOND, perShard: 0.05 * SECOND, most: 300 * SECOND };

/**
 * Keeps the positions of a table whose full phase runs: reads quiet shards lightly until a first record gives
 * a sequence number, for their iterators don't live long, and notes shards that are new, which are read in the same way.
 *
 * @returns to be called before the following begins
 */
export function refreshStartPositions(stream: TableStream): () => Promise<void> {
  const { ctx, table, checkpoint, tree, readers, childless, polls } = stream;
  const done = new AbortController();
  const signal = AbortSignal.any([ctx.signal, done.signal]);
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});

  const searching = new Set<Promise<void>>();
  /** Shards whose end was seen here. */
  const ended = new Set<string>();

  function found(shards: Shard[]): void {
    noteLightly(stream, shards);
    refuseLost();
  }

  /** A table whose stream can't be followed afterwards is refused now, and not after hours of copying. */
  function refuseLost(): void {
    if (stream.spool !== undefined) return;
    for (const id of tree.ready()) refuseExpired(table, checkpoint.shards, checkpoint.shards.get(id)!);
  }

  function search(id: string): void {
    const search = findChildren(stream, id, found, signal)
      .catch(fail)
      .finally(() => searching.delete(search));
    searching.add(search);
  }

  async function look([id, reader]: [string, ShardReader]): Promise<void> {
    const page = await readLightly(stream, id, reader, signal);
    if (!page.ended || ended.has(id)) return;
    ended.add(id);
    expectChildren(stream, id);
    search(id);
  }

  async function watch(): Promise<void> {
    refuseLost();
    for (const id of childless.keys()) search(id);
    while (!signal.aborted) {
      await pause(lightPause(polls));
      if (!signal.aborted) await inParallel([...readers], PROBES, look);
    }
  }

  async function list(): Promise<void> {
    // Where positions were known, nothing is listed yet.
    for (let wait = stream.listedAt === undefined ? 0 : LISTED; ; wait = LISTED) {
      await pause(wait);
      if (signal.aborted) return;
      const shards = await listed(stream, () => ctx.role("streams").shards(table, signal), signal);
      if (shards === undefined) continue;
      found(shards);
      noteListing(stream);
      settleChildren(stream);
    }
  }

  const fail = (error: unknown): void => {
    if (!signal.aborted) ctx.stop(error);
  };
  polls.quiet.add(readers);
  const running = Promise.all([watch().catch(fail), list().catch(fail)]);
  return async () => {
    done.abort();
    polls.quiet.delete(readers);
    await running;
    await Promise.all(searching);
    await checkpoint.flush();
  };
}

function lightPause({ quiet }: PollPacer): number {
  let shards = 0;
  for (const readers of quiet) shards += readers.size;
  return Math.min(Math.max(LIGHT.least, LIGHT.perShard * shards), LIGHT.most);
}
