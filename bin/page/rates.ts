/** How fast each table is, and what was tried again, from the statuses of the last half minute, and minute. */
import type { RunStatus, TableStatus } from "../../core/progress/run-status.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const WINDOW = 30 * SECOND;
/** A retry is news for so long. */
const RECENT = 15 * SECOND;
/** A rate of less is a guess. */
const LEAST = 2 * SECOND;

interface Look {
  at: number;
  items: number;
  changes: number;
  share: number | null;
  retries: number;
}

/** What is known of a table by its last looks. */
export interface TableRate {
  /** Items copied a second. */
  items: number | null;
  /** Changes applied a second. */
  changes: number | null;
  /** Until it is copied, in seconds. */
  left: number | null;
  /** Calls were made again just now. */
  isRetrying: boolean;
}

/** See the top of the file. */
export interface Rates {
  /** Takes each status once. */
  take(status: RunStatus): void;
  of(table: string): TableRate;
  /** Calls that were made again in the last minute. */
  retries(): number;
}

/** Rates of which nothing is known yet. */
export function createRates(): Rates {
  const looks = new Map<string, Look[]>();
  const totals: { at: number; retries: number }[] = [];
  return {
    take({ now, tables, retries: { source, target, checkpoint } }) {
      const at = Date.parse(now);
      const retries = source + target + checkpoint;
      if (totals.some((before) => before.retries > retries)) totals.length = 0;
      totals.push({ at, retries });
      while (at - totals[0]!.at > MINUTE) totals.shift();
      const names = new Set(tables.map(({ name }) => name));
      for (const name of looks.keys()) if (!names.has(name)) looks.delete(name);
      for (const table of tables) {
        const all = looks.get(table.name) ?? [];
        looks.set(table.name, all);
        const look = lookAt(table, at);
        // A run that was started again counts from another number.
        if (all.some((before) => before.at >= at || before.changes > look.changes)) all.length = 0;
        all.push(look);
        while (all.length > 2 && at - all[0]!.at > WINDOW) all.shift();
      }
    },
    of: (table) => rateOf(looks.get(table) ?? []),
    retries: () => (totals.at(-1)?.retries ?? 0) - (totals[0]?.retries ?? 0),
  };
}

function lookAt(table: TableStatus, at: number): Look {
  const { written, filtered, stream, share, retries } = table;
  const changes = stream === null ? 0 : stream.written + stream.filtered;
  return { at, items: written + filtered, changes, share, retries };
}

function rateOf(looks: readonly Look[]): TableRate {
  const first = looks[0];
  const last = looks.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < LEAST)
    return { items: null, changes: null, left: null, isRetrying: false };
  const span = (last.at - first.at) / SECOND;
  const gained = first.share === null || last.share === null ? 0 : last.share - first.share;
  const recent = looks.find(({ at }) => last.at - at <= RECENT) ?? last;
  return {
    items: Math.max(0, last.items - first.items) / span,
    changes: (last.changes - first.changes) / span,
    left: gained > 0 ? ((1 - last.share!) / gained) * span : null,
    isRetrying: last.retries > recent.retries,
  };
}
