/** The nouns of a migration: tables, units of work, records, batches. */

/** One value in DynamoDB JSON as the service sends it: exactly one member is set; B and BS are base64. */
export interface AttributeValue {
  S?: string;
  N?: string;
  B?: string;
  BOOL?: boolean;
  NULL?: boolean;
  M?: Item;
  L?: AttributeValue[];
  SS?: string[];
  NS?: string[];
  BS?: string[];
}

/** An item in DynamoDB JSON: attribute name to value. */
export type Item = Record<string, AttributeValue>;

/** The types a key attribute can have. */
export type KeyType = "S" | "N" | "B";

/** A key attribute. */
export interface KeyAttribute {
  /** The name at the source. */
  name: string;
  type: KeyType;
  /**
   * The name at the target, where it is another; a `table:before` hook may set it, and then has to give the
   * attribute this name in every record's images too. `keys` of records stay under the source's names.
   */
  targetName?: string;
}

/** A partition key and, where there is one, a sort key. */
export interface KeySchema {
  partition: KeyAttribute;
  sort?: KeyAttribute;
}

/** An index's key; a GSI's may have up to four attributes of each kind, all of them counting in their order. */
export interface IndexKeySchema extends KeySchema {
  /** Those of the partition key behind the first. */
  furtherPartition?: KeyAttribute[];
  /** Those of the sort key behind the first. */
  furtherSort?: KeyAttribute[];
}

/** A global or local secondary index of the source. */
export interface SecondaryIndex extends IndexKeySchema {
  name: string;
  kind: "GSI" | "LSI";
  /** What it holds beside the keys; absent: nobody knows, all of the item. */
  projection?: { type: "ALL" | "KEYS_ONLY" | "INCLUDE"; attributes?: string[] };
}

/** A table to migrate. */
export interface Table {
  /** The name at the source. */
  name: string;
  /** The source's own identifier: a table made anew under the same name has another. */
  id?: string;
  /** The identifier of its stream, where there is one now that can be followed; see `Streams.open`. */
  stream?: string;
  /** The name at the target; a `table:before` hook may change it. */
  targetName: string;
  keys: KeySchema;
  /**
   * A plugin gives its items other key values than the source's, and says so in `table:before`: a document's item can't be
   * looked up at the source.
   */
  hasOtherKeys?: true;
  secondary: SecondaryIndex[];
  /** Items as the source last counted them; on AWS up to six hours old. Nothing depends on it but estimates. */
  itemCount: number;
  /** Bytes as the source last counted them; as old as `itemCount`. Decides on segments and on the tables' order. */
  sizeBytes: number;
}

/** Full: the tables are scanned. Incr: their streams are followed. */
export type Phase = "full" | "incr";

/** A unit of work of the full phase: one segment of one table's parallel scan. */
export interface SegmentUnit {
  phase: "full";
  table: Table;
  /** From 0 to `segments` - 1. */
  segment: number;
  segments: number;
}

/** A unit of work of the incremental phase: one shard of one table's stream. */
export interface ShardUnit {
  phase: "incr";
  table: Table;
  /** The shard's identifier. */
  shard: string;
}

/** What can be read, stopped and taken up again by itself. */
export type Unit = SegmentUnit | ShardUnit;

/** A shard of a table's stream, as the source lists it. */
export interface Shard {
  id: string;
  /** The shard it follows, which may be long gone; its records come before this one's. */
  parent?: string;
  /** Its first sequence number. */
  first?: string;
  /** Its last sequence number: it is closed. */
  last?: string;
}

/**
 * Where a shard's reading begins: after what is there now; at the oldest record kept; or at a sequence number,
 * its record included or not.
 *
 * What was made before `since`, by the source's clock in ms since 1970, is of no use: it may be left out, and should be.
 */
export type ShardPosition =
  | { at: "latest"; since?: number | undefined }
  | { at: "horizon"; since?: number | undefined }
  | { at: "sequence"; number: string; inclusive: boolean };

/** A position in a unit; only the source that made it can read it, in another process too. JSON-safe. */
export type Position = Item;

/** One item or change on its way from source to target. */
export interface SourceRecord {
  op: "put" | "delete";
  event: "SCAN" | "INSERT" | "MODIFY" | "REMOVE";
  /** The primary key's attributes. */
  keys: Item;
  /** The new image; absent for deletes. */
  item?: Item;
  /** The old image, where a stream has one. */
  oldItem?: Item;
  /** The stream's sequence number, a decimal integer of any length. */
  sequenceNumber?: string;
  /** When the change was made, in ms since 1970; DynamoDB Local rounds it to the minute. */
  time?: number;
  /** An earlier process, or the full phase, may have written it already: a duplicate is explained. */
  replayed?: boolean;
  /** Set by convert: the filter that finds the document at the target. */
  key?: TargetDocument;
  /** Set by convert: what is written. Absent for deletes. */
  document?: TargetDocument;
}

/** A document of plain values and the driver's BSON types (number, Long, Decimal128, Binary). */
export type TargetDocument = Record<string, unknown>;

/** What one request to the source brought; a page that has no records, and isn't the last, is one too. */
export interface Page {
  /** In the source's order; hooks and conversion edit them in place. */
  records: SourceRecord[];
  /**
   * The service's JSON answer, where there is one and `records` is made from it only when somebody asks:
   * a converter may encode its items directly.
   */
  body?: Buffer;
  /** Where to go on after these records; undefined at the end of the unit. */
  position: Position | undefined;
  /** Bytes received, for the memory's budget too: a page without is refused (PLUGIN_INVALID). */
  bytes: number;
  /**
   * Gives back what the body takes: neither it nor records that weren't asked for before are read from then on. Not called when a
   * predicate of `keep` may hold items, which are read from it.
   */
  release?(): void;
}

/** What the following of a shard needs to know of every change, however it goes on. */
export type ChangeHead = Pick<SourceRecord, "event" | "sequenceNumber" | "time" | "replayed">;

/** A change as it stands in the bytes that brought it. */
export interface RawChange extends ChangeHead {
  event: "INSERT" | "MODIFY" | "REMOVE";
  /** DynamoDB's JSON, in which it stands. */
  body: Buffer;
  /** Where its keys begin there, an item without blanks between. */
  keysAt: number;
  /** Where its new image begins; -1: it is a delete. */
  imageAt: number;
  /** Makes a record of it, anew each time. */
  record(): SourceRecord;
}

/** What one request to a shard brought. */
export interface StreamPage {
  /** In the order of their sequence numbers. */
  records: SourceRecord[];
  /**
   * The same as they stand in the service's answer, where `records` is made of them only when somebody asks: a
   * converter may encode them directly.
   */
  changes?: RawChange[] | undefined;
  /** So many records from before the position's `since` are left out; missing: none. It isn't the tip then. */
  skipped?: number;
  /** Bytes received. */
  bytes: number;
  /** There was no more to be had when the request was sent: fewer records came than were asked for. */
  tip: boolean;
  /** The shard is closed and read to its end. */
  ended: boolean;
  /** When the request was sent, in ms since 1970. */
  sentAt: number;
  /** Gives back what the answer takes: neither `changes` nor records that weren't asked for before are read from then on. */
  release?(): void;
}

/** Records of one unit that are written together. */
export interface Batch {
  unit: Unit;
  records: SourceRecord[];
}

/** What became of a batch. The counts add up to the records written. */
export interface WriteResult {
  inserted: number;
  replaced: number;
  deleted: number;
  /** Puts found to be written already by an earlier try whose answer was lost. */
  duplicates: number;
  /** Deletes, and changes that don't insert, that found nothing; missing: none, or the target can't tell. */
  missed?: number;
  /** From sending to the last acknowledgement, in milliseconds. */
  ms: number;
}

/** An index to build at the target; `path` is a field path there. */
export interface TargetIndex {
  fields: { path: string; kind: "ascending" | "hashed" }[];
  unique: boolean;
  /** Primary ones follow from the table's key; user ones from its GSIs and LSIs. */
  origin: "primary" | "user";
}

/** What a converter found while it worked. */
export interface ConvertResult {
  /** Numbers that could not be held exactly and were treated as the configuration says. */
  overflowed: number;
}

/** Records live 24 h; what began so long ago may have lost some, in ms. */
export const KEPT: number = 23 * 3600 * 1000;

/** A listing of a stream's shards counts for so long: none comes and goes unseen within it, in ms. */
export const LISTED: number = 300 * 1000;
