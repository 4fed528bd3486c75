/** The short way of changes: encoded by the converter, applied by the target, without records between. */
import type { ChangeHead, ConvertResult, RawChange, ShardUnit, SourceRecord, StreamPage } from "../types.ts";

/** A change as the target takes it: BSON. */
export interface EncodedChange extends Pick<RawChange, "event" | "replayed"> {
  /** The filter that finds the document, a character a byte: the same for the same key. */
  key: string;
  /** Has the document from `start` to `end`, until it is applied; empty: it is a delete. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** What it was made of. */
  raw: RawChange;
}

/** Encoded changes of one shard that are written together, at most one of a key. */
export interface ChangeBatch {
  unit: ShardUnit;
  changes: EncodedChange[];
  /** The record of a change, converted: for errors, and for what can't be written as it is encoded. */
  record(change: EncodedChange): SourceRecord;
}

/** A page's changes, encoded. */
export interface EncodedChanges extends ConvertResult {
  changes: EncodedChange[];
  /** Called when all of them are applied: others are written over their bytes. */
  release?(): void;
}

/** Encodes the changes of one shard. */
export interface ChangeEncoder {
  /**
   * A page's changes, in their order; undefined: it can't, and their records are converted, which also finds the words
   * for what is wrong with them.
   */
  encode(changes: readonly RawChange[]): EncodedChanges | undefined;
}

/** A page's changes, whether or not records are made of them: what is set on them is set on those made later. */
export function headsOf(page: StreamPage): ChangeHead[] {
  return page.changes ?? page.records;
}
