/** Replacing documents by key. */
import { ObjectId } from "mongodb";
import { createDocumentWriter } from "../../_bson/document-writer.ts";
import type { SourceRecord, TargetDocument } from "../../../core/types.ts";
import { checkSizes } from "../_documents.ts";
import {
  type Answer,
  append,
  derivedId,
  type Destination,
  filterOf,
  refused,
  send,
  slices,
  type WriteError,
} from "./commands.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";
import { isIndexRefusal } from "./indexes.ts";

/** How often an upsert is sent again that met another one of its key, its own earlier try, or an index in its way. */
const RACES = 5;

/** What became of replacements. */
export interface Replaced {
  inserted: number;
  /** Those that were there. */
  replaced: number;
}

/**
 * Replaces whole documents by key.
 *
 * @param upserts whether one that is missing is inserted
 */
export async function replace(
  records: SourceRecord[],
  upserts: (record: SourceRecord) => boolean,
  to: Destination,
): Promise<Replaced> {
  const result: Replaced = { inserted: 0, replaced: 0 };
  let left = records;
  for (let race = 0; left.length > 0; race++) {
    const again: SourceRecord[] = [];
    const unfit: [WriteError, SourceRecord][] = [];
    const statement = (record: SourceRecord): TargetDocument => ({
      q: filterOf(record, to),
      u: replacement(record, to),
      upsert: upserts(record),
    });
    await sendEach(left, statement, "update", "updates", to, ({ errors, done, upserted }, some) => {
      result.inserted += upserted;
      result.replaced += done - upserted;
      for (const error of errors) {
        const record = some[error.index]!;
        if (race >= RACES) throw refused(error, record, to);
        if (isIndexRefusal(error)) unfit.push([error, record]);
        else if (error.code === DUPLICATE_KEY) again.push(record);
        else throw refused(error, record, to);
      }
    });
    for (const [error, record] of unfit) {
      await to.makeFit(error, record);
      again.push(record);
    }
    left = again;
  }
  return result;
}

/** Sends a statement for each record, in as many messages as they need. */
export async function sendEach(
  records: SourceRecord[],
  statement: (record: SourceRecord) => TargetDocument,
  command: string,
  field: string,
  to: Destination,
  onAnswer: (answer: Answer, some: SourceRecord[]) => void,
): Promise<void> {
  if (records.length === 0) return;
  const writer = createDocumentWriter({ doubles: to.doubles, addId: false });
  const ends = records.map((record) => append(writer, { document: statement(record) }, record, to));
  checkSizes({ ends, record: (index) => records[index]! }, to.table);
  for (const { bytes, from, count } of slices(writer.bytes(), ends)) {
    onAnswer(await send(to, command, field, bytes), records.slice(from, from + count));
  }
}

/**
 * A plain replacement is faster, but refuses names that begin with a `$`, and would let the server make up the `_id`
 * of what it inserts: where no unique index guards the key, the one made of the key does.
 */
function replacement(record: SourceRecord, to: Destination): unknown {
  const document = record.document!;
  const literal = { $literal: document };
  if (to.ids === "derived" && to.byKey) {
    const _id = { $ifNull: ["$_id", new ObjectId(derivedId(record, to))] };
    return [{ $replaceWith: { $mergeObjects: [{ _id }, literal] } }];
  }
  for (const name in document) if (name.startsWith("$")) return [{ $replaceWith: literal }];
  return document;
}
