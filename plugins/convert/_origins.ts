/** Where encoded documents come from: their pages, whose records are made only for errors and replaces. */
import type { Page, SourceRecord } from "../../core/types.ts";

/** The documents of one page that are still here. */
export interface Origin {
  page: Page;
  /** Of each document the index of its record in the page. */
  indexes: number[];
}

/** The record of a document, by the document's index among all of them. */
export function recordAt(origins: Origin[], index: number): SourceRecord {
  let rest = index;
  for (const { page, indexes } of origins) {
    if (rest < indexes.length) return page.records[indexes[rest]!]!;
    rest -= indexes.length;
  }
  throw new RangeError(`there is no document ${index}`);
}

/** What is left of the origins when so many documents are taken. */
export function withoutFirst(origins: Origin[], taken: number): Origin[] {
  let rest = taken;
  const left: Origin[] = [];
  for (const origin of origins) {
    const { length } = origin.indexes;
    if (rest < length) left.push(rest === 0 ? origin : { ...origin, indexes: origin.indexes.slice(rest) });
    rest = Math.max(0, rest - length);
  }
  return left;
}
