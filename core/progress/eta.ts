/** What counters say at one moment: how much is done, what is probably left, and what goes wrong. */
import { isCopied, type Progress, type TableProgress } from "./progress.ts";

const SECOND = 1000;
/** So long a trouble counts as present. */
const RECENT = 10 * SECOND;
/** DynamoDB's own bytes for an item, which its sizes may include. */
const ITEM_OVERHEAD = 100;

/** Items and bytes: done, left, or a second. */
export interface Amount {
  items: number;
  bytes: number;
}

/** What is done and what is probably left; a table of which nothing is known has nothing left. */
export interface Work {
  done: Amount;
  left: Amount;
  /** From 0 to 1; undefined when there is no estimate, or it is exceeded. */
  share: number | undefined;
}

/** What is dealt with, by earlier runs too: items written or dropped by a hook, and bytes received. */
export function amountDone({ written, filtered, bytes }: TableProgress): Amount {
  return { items: written + filtered, bytes };
}

/** The same without what earlier runs had done: what rates are made of. */
export function amountOfRun(table: TableProgress): Amount {
  const { items, bytes } = amountDone(table);
  return { items: items - table.resumed, bytes: bytes - table.resumedBytes };
}

/** Documents that this process has written. */
export function writtenOfRun({ written, resumed, resumedFiltered = 0 }: TableProgress): number {
  return written - (resumed - resumedFiltered);
}

/**
 * How much of a table's data is copied, from 0 to 1; undefined when there is no estimate, or it is exceeded.
 *
 * The source's counts are up to six hours old. By items the share is exact otherwise. By bytes it is too high,
 * for an item's JSON is always longer than the size DynamoDB counts for it, and its own bytes of each item are
 * allowed for: when the bytes nevertheless say less, then larger items are still to come, or the items' count
 * is the older news. So the lower share is taken. It never jumps when one of the two is exceeded: then it was
 * the higher one.
 */
export function tableShare(table: TableProgress): number | undefined {
  const { items, bytes } = amountDone(table);
  const { itemCount, sizeBytes } = table;
  const shares: number[] = [];
  if (itemCount > 0) shares.push(items / itemCount);
  // A source that counts no bytes has nothing to say by them.
  if (sizeBytes > 0 && (bytes > 0 || itemCount === 0)) {
    shares.push((bytes + (itemCount > 0 ? ITEM_OVERHEAD * table.read : 0)) / sizeBytes);
  }
  const share = Math.min(...shares);
  return share <= 1 ? share : undefined;
}

/** A table's work; of one whose data is copied, or that failed, nothing is left. */
export function tableWork(table: TableProgress): Work {
  return workOf(table, 1);
}

/** @param jsonFactor how many bytes are received for each that the source counts */
function workOf(table: TableProgress, jsonFactor: number): Work {
  const done = amountDone(table);
  if (isCopied(table)) return { done, left: { items: 0, bytes: 0 }, share: 1 };
  const share = tableShare(table);
  if (share === undefined || table.state === "failed" || table.state === "indexing") {
    return { done, left: { items: 0, bytes: 0 }, share };
  }
  if (share === 0) {
    return { done, left: { items: table.itemCount, bytes: table.sizeBytes * jsonFactor }, share };
  }
  const ratio = 1 / share - 1;
  return { done, left: { items: done.items * ratio, bytes: done.bytes * ratio }, share };
}

/**
 * The work of all tables, those that wait too. By items a few large ones are lost among many small ones, by
 * bytes the reverse; so here too the lower share is taken.
 */
export function totalWork(tables: TableProgress[]): Work {
  const jsonFactor = observedFactor(tables);
  const done = { items: 0, bytes: 0 };
  const left = { items: 0, bytes: 0 };
  for (const table of tables) {
    const work = workOf(table, jsonFactor);
    done.items += work.done.items;
    done.bytes += work.done.bytes;
    left.items += work.left.items;
    left.bytes += work.left.bytes;
  }
  if (tables.length > 0 && tables.every(isCopied)) return { done, left, share: 1 };
  // With nothing left to expect, the tables that still run are of unknown size or being indexed.
  if (left.items <= 0 && left.bytes <= 0) return { done, left, share: undefined };
  const shares: number[] = [];
  if (left.items > 0) shares.push(done.items / (done.items + left.items));
  if (done.bytes > 0 && left.bytes > 0) shares.push(done.bytes / (done.bytes + left.bytes));
  return { done, left, share: shares.length > 0 ? Math.min(...shares) : 0 };
}

/** How many bytes came so far for each that the source had counted; at least 1. */
function observedFactor(tables: TableProgress[]): number {
  let received = 0;
  let counted = 0;
  for (const table of tables) {
    const share = isCopied(table) ? 1 : tableShare(table);
    if (!share || table.sizeBytes === 0 || table.bytes === 0) continue;
    received += table.bytes;
    counted += table.sizeBytes * share;
  }
  return counted > 0 ? Math.max(1, received / counted) : 1;
}

/** The time that is left in ms at these rates, by the slower measure; undefined when it can't be told. */
export function timeLeft({ left }: Work, perSecond: Amount): number | undefined {
  const times = (["items", "bytes"] as const)
    .filter((measure) => left[measure] > 0 && perSecond[measure] > 0)
    .map((measure) => (left[measure] / perSecond[measure]) * SECOND);
  // Bytes may come in while nothing is written: that is no way to an end.
  if (times.length === 0 || (left.items > 0 && perSecond.items <= 0)) return undefined;
  return Math.max(...times);
}

/** The rate of an amount over a time in ms; undefined when there was no time. */
export function rateOf({ items, bytes }: Amount, ms: number): Amount | undefined {
  return ms > 0 ? { items: (items / ms) * SECOND, bytes: (bytes / ms) * SECOND } : undefined;
}

/** A call to a server that is away may take so long until it fails again. */
const AWAY = 40 * SECOND;

/**
 * What goes wrong with the run, or what has ended it; undefined: nothing. It may name secrets.
 *
 * @param now in ms since 1970
 */
export function presentFailure({ lastError, lastRetry }: Progress, now: number): string | undefined {
  if (lastError !== undefined) return `${lastError.code}: ${lastError.message}`;
  if (lastRetry === undefined || now - lastRetry.until > AWAY) return undefined;
  return `${lastRetry.code}: ${lastRetry.message}`;
}

/**
 * What goes wrong with a table, in few words, and how often it did; undefined when it is some seconds ago.
 *
 * @param since when the table last got on, in ms since 1970: a later trouble is present however old it is
 */
export function presentTrouble(
  table: TableProgress,
  now: number,
  since: number = Number.POSITIVE_INFINITY,
): { what: string; times: number } | undefined {
  const { trouble, state, retries, throttles } = table;
  if (trouble === undefined || state === "done" || state === "failed") return undefined;
  if (now - trouble.at > RECENT && trouble.at < since) return undefined;
  return { what: trouble.what, times: trouble.what === "throttled" ? throttles : retries - throttles };
}
