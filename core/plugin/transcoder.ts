/** The short way of a page: encoded by the converter, taken by the target, without records between. */
import type { ConvertResult, Item, Page, SourceRecord, Unit } from "../types.ts";

/**
 * Documents as the target takes them, one behind the other: BSON, each with its `_id`, or, from `same`, DynamoDB
 * JSON.
 */
export interface EncodedBatch {
  unit: Unit;
  bytes: Uint8Array;
  /**
   * To be called when `bytes` aren't needed any more, and nothing with them can be on its way: others are written over
   * them. Who doesn't call it leaves them to the garbage collection.
   */
  release?(): void;
  /** Where each document ends in `bytes`; the next one begins there. */
  ends: number[];
  /**
   * The record behind a document, converted anew: for replaces and for errors. It costs as much as the way of objects,
   * and may be asked for as long as the batch is being written.
   */
  record(index: number): SourceRecord;
}

/** A page that was encoded, as long as nothing of its unit is appended or taken after it. */
export interface EncodedPage extends ConvertResult {
  /** How many items it has. */
  items: number;
  /**
   * Takes out the items that don't match, without making records of them; missing: its items can't be looked at.
   *
   * @returns how many are left
   */
  keep?(predicate: (item: Item) => boolean): number;
  /** Takes the whole page out again; gives the indexes in `page.records` of the items that `keep` has left. */
  takeBack(): number[];
}

/**
 * Encodes pages of one unit without making records. Its pages come in their order; a page's documents are taken when
 * hooks have seen it, perhaps with those of pages before.
 */
export interface Transcoder {
  /**
   * Appends a page's items; undefined: it can't, and nothing was appended. The page's records are converted then, which
   * also finds the words for what is wrong with them.
   *
   * @param inspectable whether somebody may want to look at its items, with `keep`
   */
  append(page: Page, inspectable?: boolean): EncodedPage | undefined;
  /** Documents appended and not taken. */
  readonly count: number;
  /** Takes the oldest documents, so many: from 1 to {@link Transcoder.count}. */
  take(count: number): EncodedBatch;
}
