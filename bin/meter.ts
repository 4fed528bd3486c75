/** What a progress's counters say at one moment: shares, rates, and the time that is left. */
import type { Progress, TableProgress } from "../core/progress.ts";

const SECOND = 1000;
/** Seconds of measuring before an estimate is worth showing. */
const ETA_AFTER = 1;
/** Rates are means over this long, so that they neither jump nor lag. */
const WINDOW = 5 * SECOND;

/** One line's numbers: a running table's, or the total's. */
export interface Figures {
  name: string;
  indexing: boolean;
  /** Nothing is left to do, so that the share is no estimate. */
  finished: boolean;
  /** Items dealt with: written, or dropped by a hook. */
  items: number;
  /** Items expected; 0: unknown. */
  expected: number;
  /** From 0 to 1; undefined when the expectation is missing or already exceeded. */
  share: number | undefined;
  itemsPerSecond: number | undefined;
  bytesPerSecond: number | undefined;
  etaMs: number | undefined;
}

/** The whole run at one moment. */
export interface Snapshot {
  /** The tables being copied or indexed. */
  running: Figures[];
  total: Figures;
  tables: number;
  done: number;
  failed: number;
  waiting: number;
}

interface Sample {
  time: number;
  items: number;
  bytes: number;
}

/** Gives snapshots of a progress; it remembers the last seconds' counters for the rates. */
export function createMeter(progress: Progress): (now: number) => Snapshot {
  const history = new Map<string, Sample[]>();
  const sums: Sample[] = [];

  return (now) => {
    const snapshot: Snapshot = {
      running: [],
      total: figures("total", { time: now, items: 0, bytes: 0 }, 0, []),
      tables: progress.tables.size,
      done: 0,
      failed: 0,
      waiting: 0,
    };
    const sum: Sample = { time: now, items: 0, bytes: 0 };
    let expected = 0;
    for (const table of progress.tables.values()) {
      const sample = { time: now, items: table.written + table.filtered, bytes: table.bytes };
      sum.items += sample.items;
      sum.bytes += sample.bytes;
      if (table.state === "done" || table.state === "failed") {
        snapshot[table.state]++;
        expected += sample.items;
        history.delete(table.name);
        continue;
      }
      expected += Math.max(table.itemCount, sample.items);
      if (table.state === "waiting") {
        snapshot.waiting++;
        history.set(table.name, [sample]);
        continue;
      }
      const samples = history.get(table.name) ?? [];
      history.set(table.name, samples);
      remember(samples, sample);
      snapshot.running.push(tableFigures(table, sample, samples));
    }
    remember(sums, sum);
    snapshot.total = figures("total", sum, expected, sums);
    snapshot.total.finished = snapshot.done === snapshot.tables;
    if (sum.items >= expected) {
      // With nothing left to expect, the tables that still run are of unknown size or being indexed.
      snapshot.total.share = snapshot.total.finished ? 1 : undefined;
      snapshot.total.etaMs = undefined;
    }
    return snapshot;
  };
}

function remember(samples: Sample[], sample: Sample): void {
  samples.push(sample);
  // One sample at or before the window's start stays, so that plain lines every 10 s have their rates too.
  while (samples.length > 2 && (samples[1]?.time ?? 0) <= sample.time - WINDOW) samples.shift();
}

function tableFigures(table: TableProgress, sample: Sample, samples: Sample[]): Figures {
  const result = figures(table.name, sample, table.itemCount, samples, table.startedAt);
  if (table.state !== "indexing") return result;
  return {
    ...result,
    indexing: true,
    itemsPerSecond: undefined,
    bytesPerSecond: undefined,
    etaMs: undefined,
  };
}

function figures(name: string, last: Sample, expected: number, samples: Sample[], startedAt = 0): Figures {
  const first = samples[0] ?? last;
  const seconds = (last.time - Math.max(first.time, startedAt)) / SECOND;
  const itemsPerSecond = seconds > 0 ? (last.items - first.items) / seconds : undefined;
  const known = expected > 0 && last.items <= expected;
  return {
    name,
    indexing: false,
    finished: false,
    items: last.items,
    expected,
    share: known ? last.items / expected : undefined,
    itemsPerSecond,
    bytesPerSecond: seconds > 0 ? (last.bytes - first.bytes) / seconds : undefined,
    etaMs:
      known && last.items < expected && itemsPerSecond && seconds >= ETA_AFTER
        ? ((expected - last.items) / itemsPerSecond) * SECOND
        : undefined,
  };
}
