/** What a progress's counters say at one moment: shares, rates, the time that is left, and what goes wrong. */
import {
  type Amount,
  amountOfRun,
  presentTrouble,
  rateOf,
  tableWork,
  timeLeft,
  totalWork,
  type Work,
} from "../../core/progress/eta.ts";
import { isCopied, type Progress, type TableProgress } from "../../core/progress/progress.ts";

const SECOND = 1000;
/** Of measuring before an estimate is worth showing. */
const ETA_AFTER = SECOND;
/** Rates are means over this long, so that they neither jump nor lag; so long without progress is worth telling. */
const WINDOW = 5 * SECOND;

/** One line's numbers: a running table's, or the total's. */
export interface Figures {
  name: string;
  indexing: boolean;
  /** How far the indexes are, from 0 to 1, where the target tells. */
  indexShare?: number | undefined;
  /** Nothing is left to do, so that the share is no estimate. */
  finished: boolean;
  /** Items dealt with, by earlier runs too: written, or dropped by a hook. */
  items: number;
  /** Items that the source has counted; undefined when unknown or exceeded already. */
  expected?: number | undefined;
  /** From 0 to 1; undefined when the expectation is missing or already exceeded. */
  share: number | undefined;
  itemsPerSecond: number | undefined;
  bytesPerSecond: number | undefined;
  etaMs: number | undefined;
  /** For how long nothing has moved, in ms; undefined when something moved in the last seconds. */
  stalledMs?: number | undefined;
  /** What goes wrong at present, and how often it did so far. */
  trouble?: { what: string; times: number } | undefined;
  /** Changes that wait on the disk for the end of the full phase. */
  spoolBytes?: number | undefined;
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

/** What this run had done at a time. */
interface Sample extends Amount {
  time: number;
}

/** What is remembered of a running table. */
interface History {
  samples: Sample[];
  /** What its Scan had used: a page without items moves on too. */
  readUnits: number;
  /** When it was last seen to have moved. */
  movedAt: number;
}

/** Gives snapshots of a progress; it remembers the last seconds' counters for the rates. */
export function createMeter(progress: Progress): (now: number) => Snapshot {
  const histories = new Map<string, History>();
  const sums: Sample[] = [];

  function look(table: TableProgress, now: number): Figures | undefined {
    const sample = { time: now, ...amountOfRun(table) };
    if (isCopied(table) || table.state === "failed") {
      histories.delete(table.name);
      return undefined;
    }
    const history = histories.get(table.name);
    if (history === undefined || table.state === "waiting") {
      histories.set(table.name, { samples: [sample], readUnits: table.readUnits, movedAt: now });
      return table.state === "waiting" ? undefined : tableFigures(table, [sample], now, now);
    }
    const last = history.samples.at(-1);
    const { readUnits } = table;
    if (sample.items !== last?.items || sample.bytes !== last.bytes || readUnits !== history.readUnits) {
      history.movedAt = now;
    }
    history.readUnits = readUnits;
    remember(history.samples, sample);
    return tableFigures(table, history.samples, history.movedAt, now);
  }

  return (now) => {
    const tables = [...progress.tables.values()];
    const running = tables.map((table) => look(table, now)).filter((each) => each !== undefined);
    const count = (state: TableProgress["state"]): number =>
      tables.filter((table) => table.state === state).length;
    const sum: Sample = { time: now, items: 0, bytes: 0 };
    for (const { items, bytes } of tables.map(amountOfRun)) {
      sum.items += items;
      sum.bytes += bytes;
    }
    remember(sums, sum);
    const work = totalWork(tables);
    const total = figures("total", work, sums);
    const longest = running.map(({ etaMs }) => etaMs ?? 0);
    if (total.etaMs !== undefined) total.etaMs = Math.max(total.etaMs, ...longest);
    const done = tables.filter(isCopied).length;
    total.finished = done === tables.length;
    return {
      running,
      total,
      tables: tables.length,
      done,
      failed: count("failed"),
      waiting: count("waiting"),
    };
  };
}

function remember(samples: Sample[], sample: Sample): void {
  samples.push(sample);
  // One sample at or before the window's start stays, so that plain lines every 10 s have their rates too.
  while (samples.length > 2 && (samples[1]?.time ?? 0) <= sample.time - WINDOW) samples.shift();
}

function tableFigures(table: TableProgress, samples: Sample[], movedAt: number, now: number): Figures {
  const indexing = table.state === "indexing";
  const result = figures(table.name, tableWork(table), samples, table.startedAt);
  const stalledMs = !indexing && now - movedAt >= WINDOW ? now - movedAt : undefined;
  const silent = indexing || stalledMs !== undefined;
  return {
    ...result,
    indexing,
    indexShare: indexing ? table.indexShare : undefined,
    expected: table.itemCount > 0 && result.items <= table.itemCount ? table.itemCount : undefined,
    ...(silent && { itemsPerSecond: undefined, bytesPerSecond: undefined, etaMs: undefined }),
    stalledMs,
    trouble: presentTrouble(table, now, movedAt),
    spoolBytes: table.spoolBytes,
  };
}

function figures(name: string, work: Work, samples: Sample[], startedAt = 0): Figures {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const ms = last.time - Math.max(first.time, startedAt);
  const rate = rateOf({ items: last.items - first.items, bytes: last.bytes - first.bytes }, ms);
  return {
    name,
    indexing: false,
    finished: false,
    items: work.done.items,
    share: work.share,
    itemsPerSecond: rate?.items,
    bytesPerSecond: rate?.bytes,
    etaMs: rate && ms >= ETA_AFTER ? timeLeft(work, rate) : undefined,
  };
}
