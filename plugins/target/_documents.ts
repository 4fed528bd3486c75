/** Records' documents as BSON, and what MongoDB couldn't take. */
import { createDocumentWriter } from "../_bson/document-writer.ts";
import { unfit } from "../../core/schema/unfit.ts";
import type { SourceRecord, Table } from "../../core/types.ts";
import type { EncodedBatch } from "../../core/plugin/transcoder.ts";

/** The largest document that MongoDB takes, in bytes. */
export const DOCUMENT_BYTES: number = 16 * 1024 * 1024;

/**
 * Encodes puts, one behind the other, each with an `_id`.
 *
 * @param doubles whether plain numbers are doubles
 * @returns the documents, and where each ends
 * @throws MigrationError DATA_UNFIT
 */
export function encodeRecords(
  records: SourceRecord[],
  table: Table,
  doubles: boolean,
): Pick<EncodedBatch, "bytes" | "ends"> {
  const writer = createDocumentWriter({ doubles, addId: true });
  let end = 0;
  const ends = records.map((record) => {
    try {
      return (end += writer.append(record.document!));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw unfit(error.message, record, table, { cause: error });
    }
  });
  return { bytes: writer.bytes(), ends };
}

/** Refuses documents that are too large. */
export function checkSizes({ ends, record }: Omit<EncodedBatch, "unit" | "bytes">, table: Table): void {
  let start = 0;
  for (const [i, end] of ends.entries()) {
    if (end - start > DOCUMENT_BYTES) {
      throw unfit(`the document has ${end - start} bytes, MongoDB takes 16 MiB`, record(i), table);
    }
    start = end;
  }
}
