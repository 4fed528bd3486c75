/** Shards that were over and are forgotten: for a day they are known, so that one that turns up again isn't a new one. */
import * as v from "valibot";
import type { ShardNote } from "./shard-note.ts";

/** Longer than records live, in ms: after that there is nothing left to be read twice. */
const GONE_FOR = 25 * 3_600_000;

const goneSchema: v.GenericSchema<unknown, Record<string, number>> = v.record(v.string(), v.number());

const isOld = (at: number): boolean => Date.now() - at >= GONE_FOR;

/** When those were forgotten that are saved, in ms since 1970, by shard; but for old ones. */
export function readGone(saved: unknown): Map<string, number> {
  const { output, success } = v.safeParse(goneSchema, saved);
  return new Map(Object.entries(success ? output : {}).filter(([, at]) => !isOld(at)));
}

/**
 * Drops the old ones, for a process may live for years.
 *
 * @param shards those that are noted: what one of them names as its parent stays known as gone
 */
export function dropOld(gone: Map<string, number>, shards: Iterable<ShardNote>): void {
  const named = new Set([...shards].map(({ parent }) => parent));
  for (const [id, at] of gone) if (isOld(at) && !named.has(id)) gone.delete(id);
}
