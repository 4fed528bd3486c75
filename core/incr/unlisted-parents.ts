/** Parents that are named and not listed: gone with all that was in them, or left out by a listing that lags. */
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../errors.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Shard } from "../types.ts";
import { PROBES } from "./light-reads.ts";
import { PARENT_SHOWS, type TableStream } from "./table-stream.ts";

const PAUSE = 500;

/**
 * Adds to a listing what it has left out: who reads a child from its first record must read its parent before. That a parent
 * isn't listed doesn't tell whether there is one still, so it is asked itself.
 *
 * @returns all shards; a parent that is gone is named by none of them
 */
export async function withParents(stream: TableStream, listed: Shard[]): Promise<Shard[]> {
  const { ctx, table } = stream;
  const shards = new Map(listed.map((shard) => [shard.id, shard]));
  const gone = new Set<string>();
  /** Those that may be listed yet, and what they couldn't be read for. */
  const late = new Map<string, Error | undefined>();
  const began = performance.now();
  for (;;) {
    const unlisted = new Set([...shards.values()].flatMap(({ parent }) => parent ?? []));
    for (const id of unlisted) if (shards.has(id) || gone.has(id)) unlisted.delete(id);
    const asked = [...unlisted].filter((id) => !late.has(id));
    await inParallel(asked, PROBES, async (id) => {
      const found = await isThere(stream, id);
      if (found === false) gone.add(id);
      else late.set(id, found === true ? undefined : found);
    });
    const missing = [...unlisted].filter((id) => late.has(id));
    if (missing.length === 0) break;
    if (performance.now() - began > Math.min(PARENT_SHOWS, ctx.patience / 2)) {
      // Listed or not, what is in it comes first; of what came before it nobody tells.
      for (const id of missing) {
        const why = late.get(id);
        if (why === undefined) shards.set(id, { id });
        else {
          gone.add(id);
          const what = `shard ${id}, which another one follows, is neither listed nor read, and taken for gone`;
          ctx.log.warn(`table ${table.name}: ${what}: ${why.message}`);
        }
      }
      continue;
    }
    ctx.log.debug(`table ${table.name}: not listed, and not known to be gone: ${missing.join(", ")}`);
    await sleep(PAUSE, undefined, { signal: ctx.signal });
    for (const shard of await ctx.role("streams").shards(table, ctx.signal)) shards.set(shard.id, shard);
  }
  return [...shards.values()].map(({ parent, ...shard }) =>
    parent === undefined || gone.has(parent) ? shard : { ...shard, parent },
  );
}

/**
 * Whether a shard can be read; of one that is gone the service says so, however late its listings are. An error: it can't, and
 * that doesn't tell whether it is there, as a server may say anything of a shard that it doesn't know.
 */
async function isThere({ ctx, table, polls }: TableStream, shard: string): Promise<boolean | Error> {
  const reader = ctx.role("streams").read({ phase: "incr", table, shard }, { at: "horizon" });
  try {
    await polls.pace(reader).poll({ limit: 1, beforeRequest: async () => {}, signal: ctx.signal });
    return true;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    if (!(error instanceof MigrationError) || error.code === "SOURCE_FAILED") return error;
    if (error.code === "STREAM_GAP") return false;
    throw error;
  }
}
