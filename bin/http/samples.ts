/** How fast a run is between two looks at its counters. */
import { amountOfRun } from "../../core/progress/eta.ts";
import type { Progress } from "../../core/progress/progress.ts";
import { rounded } from "../../core/progress/quantities.ts";
import { shardLag } from "../../core/progress/stream-progress.ts";
import type { LivePoint } from "./live.ts";

const SECOND = 1000;

/** Gives the stretch from the last call, or the making, to this moment, in ms since 1970. */
export function createSampler(progress: Progress, start: number): (now: number) => LivePoint {
  let before = { ...totals(progress), at: start };
  return (now) => {
    const counted = { ...totals(progress), at: now };
    const span = Math.max(0, now - before.at) / SECOND;
    const rate = (name: "items" | "changes" | "bytes" | "units"): number =>
      // A table that is copied again begins at zero again.
      span > 0 ? rounded(Math.max(0, counted[name] - before[name]) / span) : 0;
    const point = {
      at: now,
      span,
      items: rate("items"),
      changes: rate("changes"),
      bytes: rate("bytes"),
      units: rate("units"),
      behind: behindOf(progress, now),
    };
    before = counted;
    return point;
  };
}

function totals({ tables }: Progress): Record<"items" | "changes" | "bytes" | "units", number> {
  const sum = { items: 0, changes: 0, bytes: 0, units: 0 };
  for (const table of tables.values()) {
    const { items, bytes } = amountOfRun(table);
    sum.items += items;
    sum.bytes += bytes + (table.stream?.bytes ?? 0);
    sum.changes += (table.stream?.written ?? 0) + (table.stream?.filtered ?? 0);
    sum.units += table.readUnits;
  }
  return sum;
}

/**
 * How far the shard is behind that is most behind, in seconds: its lag; of one that has not been at its tip yet, the
 * age of the record applied last. Null: no shard is known by either.
 */
export function behindOf({ tables }: Progress, now: number): number | null {
  let most: number | null = null;
  for (const { stream } of tables.values()) {
    for (const shard of stream?.shards.values() ?? []) {
      const behind = shardLag(shard, now) ?? (shard.time === undefined ? undefined : now - shard.time);
      if (behind !== undefined) most = Math.max(most ?? 0, behind / SECOND);
    }
  }
  return most === null ? null : rounded(most);
}
