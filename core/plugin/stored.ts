/**
 * What is stored at a target, so that it can be compared with the source. Both sides are in the target's own form
 * (BSON, or DynamoDB JSON): the source's items as the copy would encode them, the target's documents as they are.
 */
import type { EncodedBatch } from "./transcoder.ts";
import type { Item, Position, SourceRecord, Table, TargetIndex, Unit } from "../types.ts";

/** Some of a table's documents, as they are stored: one behind the other, in the target's form. */
export interface StoredPage {
  /** Valid until the next page is asked for. */
  bytes: Uint8Array;
  /** Where each document ends in `bytes`. */
  ends: number[];
  /** Where to go on behind them; undefined: there are no more. */
  position: Position | undefined;
}

/**
 * A stored value, whatever the form. Exactly one of `fields`, `items` and `value` is there.
 */
export interface StoredValue {
  /** The type's name in the target's words: `int32`, `string`, `document`, `array`, `N`, `SS`. */
  type: string;
  /** Of a document, in its order. */
  fields?: Map<string, StoredValue>;
  /** Of an array or a set. */
  items?: StoredValue[];
  /** Of anything else, as JSON that loses nothing: canonical Extended JSON, or DynamoDB JSON. */
  value?: unknown;
}

/**
 * Told of each document: the bytes of its key, valid until it returns, and a digest of all its content. The same key
 * gives the same bytes, whatever type its numbers are stored under; undefined: it lacks a part of it.
 */
export type OnDigest = (key: Uint8Array | undefined, digest: bigint, index: number) => void;

/** An index that is not as it should be. */
export interface IndexFault {
  wanted: TargetIndex;
  /** What is there under its fields or its name, in words; undefined: nothing. */
  found?: string;
}

/** See the top of the file. All calls wait for a server that is away, as long as `Context.patience`, and throw TARGET_* then. */
export interface Stored {
  /**
   * Encodes puts as {@link Target.write} would store them.
   *
   * @throws MigrationError DATA_UNFIT
   */
  encode(unit: Unit, records: SourceRecord[]): Pick<EncodedBatch, "bytes" | "ends">;
  /**
   * All documents of a table, from a position on, in an order that stays while documents come and go: one that is there
   * all the time comes exactly once. Nothing is there: no page, or one without documents.
   */
  read(table: Table, from: Position | undefined, signal: AbortSignal): AsyncIterable<StoredPage>;
  /**
   * Digests documents, of either side: the same content gives the same digest, and another one with near certainty
   * another; fields or sets in another order are another content where the target keeps their order. An `_id` that the
   * tool has made up belongs to none.
   *
   * @param ends where each ends in `bytes`
   */
  digest(table: Table, bytes: Uint8Array, ends: number[], onDigest: OnDigest): void;
  /** A key that {@link Stored.digest} gave, as the source has it; undefined: no item is stored under it. */
  keyOf(table: Table, key: Uint8Array): Item | undefined;
  /**
   * Looks documents up by key, by reads that see all acknowledged writes; a key whose number is stored under another
   * type is found too. A target may have to look at all its documents, for any number of records once.
   *
   * @param records converted, with `key`
   * @returns the documents of each, none, one or several, whole
   */
  find(table: Table, records: SourceRecord[], signal: AbortSignal): Promise<Uint8Array[][]>;
  /** So many keys are best looked up at once; missing: 100. */
  readonly keysAtOnce?: number;
  /** A document taken apart, without an `_id` that the tool has made up. */
  decode(table: Table, document: Uint8Array): StoredValue;
  /** The document's own identifier there, as JSON, for one without a key of the table's; undefined: it has none. */
  idOf?(document: Uint8Array): unknown;
  /** Those of the indexes that are missing, or of another kind. */
  indexes(table: Table, wanted: TargetIndex[], signal: AbortSignal): Promise<IndexFault[]>;
  /**
   * Removes documents that no key tells apart: all of these keys, or those with these identifiers that have no key of the
   * table's. Missing: it can't.
   *
   * @param ids as {@link Stored.idOf} gave them
   */
  remove?(
    table: Table,
    what: { records: SourceRecord[] } | { ids: unknown[] },
    signal: AbortSignal,
  ): Promise<number>;
}
