/** Replacing documents by key. */
import { createDocumentWriter } from "../../core/bson.ts";
import type { SourceRecord, TargetDocument } from "../../core/types.ts";
import { checkSizes } from "./_documents.ts";
import {
  append,
  type Destination,
  DUPLICATE_KEY,
  filterOf,
  refused,
  send,
  slices,
  type WriteError,
} from "./_mongodb-commands.ts";

/** How often an upsert is sent again that met another one of its key: its own earlier try. */
const RACES = 5;

/**
 * Replaces whole documents by key.
 *
 * @param upserts whether one that is missing is inserted
 * @returns how many were inserted
 */
export async function replace(
  records: SourceRecord[],
  upserts: (record: SourceRecord) => boolean,
  to: Destination,
): Promise<number> {
  let inserted = 0;
  let left = records;
  for (let race = 0; left.length > 0; race++) {
    const again: SourceRecord[] = [];
    const statement = (record: SourceRecord): TargetDocument => ({
      q: filterOf(record, to),
      u: replacement(record.document!),
      upsert: upserts(record),
    });
    await sendEach(left, statement, "update", "updates", to, (errors, upserted, some) => {
      inserted += upserted;
      for (const error of errors) {
        const record = some[error.index]!;
        if (error.code !== DUPLICATE_KEY || race >= RACES) throw refused(error, record, to);
        again.push(record);
      }
    });
    left = again;
  }
  return inserted;
}

/** Sends a statement for each record, in as many messages as they need. */
export async function sendEach(
  records: SourceRecord[],
  statement: (record: SourceRecord) => TargetDocument,
  command: string,
  field: string,
  to: Destination,
  onAnswer: (errors: WriteError[], upserted: number, some: SourceRecord[]) => void,
): Promise<void> {
  if (records.length === 0) return;
  const writer = createDocumentWriter({ doubles: to.doubles, addId: false });
  const ends = records.map((record) => append(writer, { document: statement(record) }, record, to));
  checkSizes({ ends, record: (index) => records[index]! }, to.table);
  for (const { bytes, from, count } of slices(writer.bytes(), ends)) {
    const { errors, upserted } = await send(to, command, field, bytes);
    onAnswer(errors, upserted, records.slice(from, from + count));
  }
}

/** A plain replacement is faster, but refuses names that begin with a `$`. */
function replacement(document: TargetDocument): unknown {
  for (const name in document) {
    if (name.startsWith("$")) return [{ $replaceWith: { $literal: document } }];
  }
  return document;
}
