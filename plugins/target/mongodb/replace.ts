/** Replacing documents by key. */
import { ObjectId } from "mongodb";
import { createDocumentWriter } from "../../_bson/document-writer.ts";
import type { SourceRecord, TargetDocument } from "../../../core/types.ts";
import {
  type Answer,
  append,
  type Command,
  derivedId,
  type Destination,
  filterOf,
  refused,
  sendAll,
  UPDATE,
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
    const failed: Failed[] = [];
    const statement = (record: SourceRecord): TargetDocument => ({
      q: filterOf(record, to),
      u: replacement(record, to),
      upsert: upserts(record),
    });
    await sendEach(left, statement, UPDATE, to, ({ errors, done, upserted }, some) => {
      result.inserted += upserted;
      result.replaced += done - upserted;
      for (const error of errors) failed.push([error, some[error.index]!]);
    });
    const [first] = failed;
    if (first !== undefined && race >= RACES) throw refused(...first, to);
    left = await mended(failed, to);
  }
  return result;
}

/** A replacement that was refused, and why. */
export type Failed = [error: WriteError, record: SourceRecord];

/**
 * What is to be sent again of replacements that were refused, when what was in their way is taken away.
 *
 * @throws MigrationError DATA_UNFIT
 */
export async function mended(failed: readonly Failed[], to: Destination): Promise<SourceRecord[]> {
  for (const [error, record] of failed) {
    if (isIndexRefusal(error)) await to.makeFit(error, record);
    else if (error.code !== DUPLICATE_KEY) throw refused(error, record, to);
  }
  return failed.map(([, record]) => record);
}

/** Sends a statement for each record, in as many messages as they need. */
export async function sendEach(
  records: SourceRecord[],
  statement: (record: SourceRecord) => TargetDocument,
  command: Command,
  to: Destination,
  onAnswer: (answer: Answer, some: SourceRecord[]) => void,
): Promise<void> {
  if (records.length === 0) return;
  const writer = createDocumentWriter({ doubles: to.doubles, addId: false });
  const ends = records.map((record) => append(writer, { document: statement(record) }, record, to));
  const statements = { ...writer.take(), ends, record: (index: number) => records[index]! };
  await sendAll(statements, command, to, (answer, from, count) =>
    onAnswer(answer, records.slice(from, from + count)),
  );
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
