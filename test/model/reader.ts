/** Reads one shard of a source in memory as plugins/source/dynamodb-streams does: with iterators that move. */
import { streamGap } from "../../core/errors.ts";
import type { PollOptions } from "../../core/plugin/roles.ts";
import { KEPT, type ShardPosition, type SourceRecord, type StreamPage } from "../../core/types.ts";
import type { Chance } from "./chance.ts";
import { type Change, itemOf, type SourceShard, type SourceTable } from "./source.ts";

const SECOND = 1000;
/** An answer without a record though there are some comes so often in a row at most. */
const BLANKS = 2;

/** Makes a page's answers, one after the other. */
export function createCursor(
  source: SourceTable,
  chance: Chance,
  now: () => number,
  id: string,
  from: ShardPosition,
): (options: Pick<PollOptions, "limit">) => StreamPage {
  /** How many of its records are before the iterator; undefined: there is none yet. */
  let at: number | undefined;
  let blanks = 0;
  let answeredAt = now();
  let hasRead = from.at === "sequence";

  function begin(shard: SourceShard, expired: number): number {
    const { changes } = shard;
    if (from.at === "latest") return changes.filter(({ shownAt }) => shownAt <= now()).length;
    if (from.at === "horizon") return expired;
    const wanted = Number(from.number);
    const first = changes.findIndex(({ number }) => (from.inclusive ? number >= wanted : number > wanted));
    const begins = first === -1 ? changes.length : first;
    // Its own record has to be there still.
    const own = changes.findIndex(({ number }) => number === wanted);
    if (own !== -1 && own < expired) throw streamGap(`records from ${wanted} are gone: shard ${id}`);
    return begins;
  }

  return ({ limit = 3 }) => {
    const shard = source.shard(id);
    if (shard === undefined) throw streamGap(`shard ${id} is gone`);
    const expired = source.expired(shard);
    if (!hasRead && now() - answeredAt > KEPT) throw streamGap(`what was in ${id} may have expired`);
    at ??= begin(shard, expired);
    if (at < expired) throw streamGap(`records after ${at} are gone: shard ${id}`);
    const there = shard.changes.slice(at).filter(({ shownAt }) => shownAt <= now());
    const isBlank = there.length > 0 && blanks < BLANKS && chance.percent(20);
    blanks = isBlank ? blanks + 1 : 0;
    const changes = isBlank ? [] : there.slice(0, Math.min(limit, 1 + chance.below(limit)));
    at += changes.length;
    hasRead ||= changes.length > 0;
    answeredAt = now();
    const { since = 0 } = from.at === "sequence" ? {} : from;
    const records = changes.map(recordOf).filter(({ time }) => time! >= since);
    const skipped = changes.length - records.length;
    return {
      records,
      ...(skipped > 0 && { skipped }),
      bytes: 50 * changes.length,
      tip: skipped === 0 && changes.length < limit,
      ended: shard.closed !== undefined && at === shard.changes.length,
      sentAt: now(),
    };
  };
}

function recordOf({ number, key, item, isNew, at }: Change): SourceRecord {
  const { pk } = itemOf(key, 0);
  return {
    op: item === undefined ? "delete" : "put",
    event: item === undefined ? "REMOVE" : isNew ? "INSERT" : "MODIFY",
    keys: { pk: pk! },
    ...(item && { item: structuredClone(item) }),
    sequenceNumber: String(number),
    time: Math.floor(at / SECOND) * SECOND,
  };
}
