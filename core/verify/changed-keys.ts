/** The keys that are changed at the source from now on, as its stream tells them; nothing is noted of what was read. */
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../errors.ts";
import { createPollPacer, type PollPacer } from "../incr/poll-pacer.ts";
import type { Context } from "../plugin/context.ts";
import type { ShardReader } from "../plugin/streams.ts";
import { keyText } from "../schema/keys.ts";
import type { Item, ShardPosition, StreamPage, Table } from "../types.ts";

/** A table's changes. */
export interface ChangedKeys {
  /** The keys that were changed since the last call, each once. */
  take(signal: AbortSignal): Promise<Item[]>;
}

const SECOND = 1000;
/** How often all shards are listed, to find new ones. */
const LISTING = 30 * SECOND;
/** So many keys are given at once at most; the others of a busy time aren't looked at. */
const MOST = 10_000;

const noHook = async (): Promise<void> => {};

/**
 * Begins to read a table's stream, which has to be there.
 *
 * @throws MigrationError STREAM_UNFIT
 */
export async function watchKeys(ctx: Context, table: Table): Promise<ChangedKeys> {
  if (table.stream === undefined) {
    throw new MigrationError("STREAM_UNFIT", `there is no stream that tells changes: table ${table.name}`, {
      hint: "start the run first, which enables it, or leave --follow out",
    });
  }
  const streams = ctx.role("streams");
  const polls = createPollPacer(ctx.config);
  const readers = new Map<string, ShardReader>();
  const known = new Set<string>();
  let listedAt = performance.now();
  await streams.open(table, ctx.signal);
  const open = (shard: string, from: ShardPosition): void => {
    if (known.has(shard)) return;
    known.add(shard);
    readers.set(shard, polls.pace(streams.read({ phase: "incr", table, shard }, from)));
  };
  for (const { id, last } of await streams.shards(table, ctx.signal)) {
    if (last === undefined) open(id, { at: "latest" });
    else known.add(id);
  }
  // Their positions are taken with the first request.
  await readAll(readers, polls, ctx.signal, () => {});

  return {
    async take(signal) {
      const keys = new Map<string, Item>();
      let more = 0;
      const ended = await readAll(readers, polls, signal, (key) => {
        if (keys.size < MOST) keys.set(keyText(key, table), key);
        else more++;
      });
      if (more > 0) ctx.log.warn(`${more} changes at once are too many to be compared: table ${table.name}`);
      for (const id of ended) {
        readers.delete(id);
        for (const child of await streams.children(table, id, signal)) open(child.id, { at: "horizon" });
      }
      if (performance.now() - listedAt > LISTING) {
        listedAt = performance.now();
        for (const { id } of await streams.shards(table, signal)) open(id, { at: "horizon" });
      }
      return [...keys.values()];
    },
  };
}

/** Reads every shard to its tip; gives those that have ended. */
async function readAll(
  readers: Map<string, ShardReader>,
  polls: PollPacer,
  signal: AbortSignal,
  onKey: (key: Item) => void,
): Promise<string[]> {
  const ended: string[] = [];
  await Promise.all(
    [...readers].map(async ([id, reader]) => {
      const poll = (): Promise<StreamPage> => reader.poll({ signal, beforeRequest: noHook });
      for await (const page of polls.pages(poll, signal)) {
        for (const { keys } of page.records) onKey(keys);
        if (page.ended) ended.push(id);
        if (page.tip) return;
      }
    }),
  );
  return ended;
}

/** Waits before changes are read again. */
export async function pause(signal: AbortSignal): Promise<void> {
  await sleep(SECOND, undefined, { signal }).catch(() => {});
}
