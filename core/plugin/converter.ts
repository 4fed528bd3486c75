/** The role `convert`: from records to what the target stores. */
import type { ConvertResult, KeyAttribute, ShardUnit, SourceRecord, Table, Unit } from "../types.ts";
import type { ChangeEncoder } from "./changes.ts";
import type { Transcoder } from "./transcoder.ts";

/**
 * Turns records into what the target stores. Filled with `ctx.provide("convert", …)`; `Roles` says what holds of every
 * role. It asks nobody and keeps nothing: the same record gives the same document, whenever it comes.
 */
export interface Converter {
  /** "double": every plain number in a document is a double; otherwise int32 where it is one. */
  numbers?: "double";
  /**
   * Sets `key` and, for puts, `document` of every record, in place. Called once a page in both phases, with a few records
   * when a failure is looked into, and with deletes that have nothing but their keys.
   *
   * @returns what it found in these records
   * @throws MigrationError DATA_UNFIT naming table and key: an `error` hook may leave the record out
   */
  convert(records: SourceRecord[], table: Table): ConvertResult;
  /**
   * The field path at the target under which a key attribute can be indexed, and its documents found. Called often; the
   * same for the same attribute in all runs that go on with each other.
   */
  fieldPath(attribute: KeyAttribute): string;
  /**
   * The short way from a page's body to what is written, where the converter has one; the same documents. Asked once for
   * each unit of the full phase that a start reads, where the target takes encoded documents, no plugin wants
   * records, and keys keep their names.
   */
  transcoder?(unit: Unit): Transcoder;
  /**
   * The same for changes, from the bytes that brought them. Asked once for each shard that is followed, where the target
   * takes encoded changes, no plugin wants records, and keys keep their names. Undefined: under this configuration it has
   * none.
   */
  changes?(unit: ShardUnit): ChangeEncoder | undefined;
}
