/** Commands whose documents are encoded here, and what they need to know of their collection. */
import { type Db, MongoServerError, ObjectId } from "mongodb";
import type { DocumentWriter } from "../../_bson/document-writer.ts";
import { documentId } from "../../_bson/document-id.ts";
import { MigrationError } from "../../../core/errors.ts";
import type { EncodedBatch } from "../../../core/plugin/transcoder.ts";
import type { RetryOptions } from "../../../core/flow/retry.ts";
import type { SourceRecord, Table, TargetDocument } from "../../../core/types.ts";
import { setField } from "../../../core/schema/set-field.ts";
import { unfit, whereIs } from "../../../core/schema/unfit.ts";
import { checkSizes } from "../_documents.ts";
import { DURABLE, WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { encodedDocuments } from "../../_mongodb/internals.ts";
import type { Surely } from "../../_mongodb/late-writes.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";
import { TWO_OF_A_KEY } from "./indexes.ts";

/** The most a message carries; the guide's 16 MB. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
/**
 * The most updates or deletes in a message: each looks for its document, and a message that takes longer than its
 * `maxTimeMS` is sent again from its first statement.
 */
const MOST_STATEMENTS = 1000;
/**
 * The most inserts in a message: an answer that names each of them as a duplicate has up to 600 bytes for each, its keys aside, and a
 * server whose answer would have more than 16 MB closes the connection instead.
 */
const MOST_INSERTS = 20_000;

/** A command that takes encoded documents. */
export interface Command {
  name: string;
  /** What it calls them. */
  field: string;
  /** So many in a message at most. */
  most: number;
}
export const INSERT: Command = { name: "insert", field: "documents", most: MOST_INSERTS };
export const UPDATE: Command = { name: "update", field: "updates", most: MOST_STATEMENTS };
export const DELETE: Command = { name: "delete", field: "deletes", most: MOST_STATEMENTS };

/** Of what is upserted only the number counts: it isn't decoded. */
const COUNTED = { fieldsAsRaw: { upserted: true } };

/** What a server says of one document. */
export interface WriteError {
  index: number;
  code: number;
  errmsg: string;
  keyPattern?: Record<string, unknown>;
}

/** What a writer needs to know of its collection. */
export interface Destination {
  db: Db;
  table: Table;
  /** Whether plain numbers are doubles. */
  doubles: boolean;
  /** What `_id` is: made up here; the table's own key; or made of the key, see plugins/_bson/document-id.ts. */
  ids: "any" | "key" | "derived";
  /** Whether documents are found by their key alone: others may have made them, with an `_id` of theirs. */
  byKey: boolean;
  /** Whether a put looks for what it replaces, since no unique index tells that it is there. */
  overwrites: boolean;
  /** Makes up the `_id` of a record that may be written again, each time the same; missing: none is. */
  idOf?: (record: SourceRecord) => Uint8Array;
  /** The partition key's field path. */
  partitionPath: string;
  /** Whether a document whose key is there already replaces it. */
  replaceDuplicates: boolean;
  /** Whether it was empty when its unique index was built: two documents of a key are this run's, or another program's. */
  isIndexedFirst?: boolean;
  /** Told of one that doesn't; without it, it is an error. */
  onDuplicate?: (record: SourceRecord) => void;
  /** Takes an index away that refuses a document; throws where it is none of the table's own. */
  makeFit: (error: WriteError, record: SourceRecord) => Promise<void>;
  retry: RetryOptions;
  /** Makes a call when its turn has come and the run may still write; waits for the answer as long as there can be one. */
  inTurn: <T>(send: () => Promise<T>) => Promise<T>;
  /** Makes a write, also again, until it can't be carried out later any more. */
  surely: Surely;
}

/** A part of what is encoded that one message carries. */
export interface Slice {
  bytes: Uint8Array;
  /** The number of its first document. */
  from: number;
  count: number;
}

/**
 * Cuts documents that stand one behind the other into messages.
 *
 * @param ends where each ends
 * @param most so many documents in a message at most
 */
export function* slices(bytes: Uint8Array, ends: readonly number[], most: number): Generator<Slice> {
  let from = 0;
  let start = 0;
  for (let i = 0; i < ends.length; i++) {
    const before = i === 0 ? 0 : ends[i - 1]!;
    if ((ends[i]! - start > MESSAGE_BYTES && i > from) || i - from >= most) {
      yield { bytes: bytes.subarray(start, before), from, count: i - from };
      from = i;
      start = before;
    }
  }
  if (ends.length > from) yield { bytes: bytes.subarray(start), from, count: ends.length - from };
}

/** The error for a key that is there already. */
export function duplicate(record: SourceRecord, to: Destination, key: string): MigrationError {
  const what = `a document of this key is there already: ${whereIs(record, to.table)}`;
  return new MigrationError("DUPLICATE_KEY", what, {
    hint: `set ${key} = true to replace it`,
  });
}

/** The error for a second document of a key in a collection that was empty. */
export function twoOfAKey(record: SourceRecord, to: Destination): MigrationError {
  const what = `a document of this key is there already: ${whereIs(record, to.table)}`;
  return new MigrationError("DUPLICATE_KEY", what, { hint: TWO_OF_A_KEY });
}

/** The `_id` made of a record's key; a document must not have another, or nothing would guard the key. */
export function derivedId({ keys, document }: SourceRecord, to: Destination): Uint8Array {
  if (document !== undefined && Object.hasOwn(document, "_id")) {
    const what = "a plugin sets _id, which is made of the key in a sharded collection";
    throw unfit(what, { keys }, to.table, {
      hint: "let the plugin leave _id alone, or give the value another name",
    });
  }
  return documentId(keys, to.table.keys);
}

/** Appends a document and gives where it ends. */
export function append(
  writer: DocumentWriter,
  { document, id }: { document: TargetDocument; id?: Uint8Array | undefined },
  record: SourceRecord,
  to: Destination,
): number {
  try {
    writer.append(document, id);
    return writer.bytes().length;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unfit(error.message, record, to.table, { cause: error });
  }
}

/** What finds a record's document. A sharded collection wants the shard key, to ask one shard only; the key has it. */
export function filterOf(record: SourceRecord, to: Destination): TargetDocument {
  if (to.ids !== "derived" || to.byKey) return record.key!;
  const filter: TargetDocument = { _id: new ObjectId(derivedId(record, to)) };
  setField(filter, to.partitionPath, record.key![to.partitionPath]);
  return filter;
}

/** What a server said of a message. */
export interface Answer {
  /** What was refused. */
  errors: WriteError[];
  /** How many were inserted, found or deleted, upserts among them. */
  done: number;
  /** How many were inserted by upserts. */
  upserted: number;
  /** The number of the try that was answered, from 0. */
  attempt: number;
}

/** Sends a command whose documents are encoded already, again and again while its outcome is unknown; none of it lands later. */
export async function send(to: Destination, { name, field }: Command, bytes: Uint8Array): Promise<Answer> {
  return to.surely(async (attempt, sending) => {
    const answer = await to.inTurn(() => {
      sending?.();
      return to.db.command(
        {
          [name]: to.table.targetName,
          ordered: false,
          writeConcern: DURABLE,
          maxTimeMS: WRITE_TIMEOUT,
          ...encodedDocuments(field, bytes),
        },
        COUNTED,
      );
    });
    // Written, but not durably so: an unknown outcome as any other.
    if (answer.writeConcernError) throw new MongoServerError(answer.writeConcernError);
    const errors = (answer.writeErrors ?? []) as WriteError[];
    // A mongos names a shard that is away document by document.
    const others = errors.filter(({ code }) => code !== DUPLICATE_KEY);
    const away = others.map((error) => new MongoServerError({ ...error })).find(to.retry.passes);
    if (away !== undefined) throw away;
    const upserted = (answer.upserted as unknown[] | undefined)?.length ?? 0;
    return { errors, done: Number(answer.n), upserted, attempt };
  }, to.retry);
}

/**
 * Sends documents or statements in as many messages as they need, and releases their memory when it can; one that is too
 * large for any message is refused before.
 *
 * @param onAnswer told of each message which of them it carried; the next one waits for it
 */
export async function sendAll(
  { bytes, ends, record, release }: Omit<EncodedBatch, "unit">,
  command: Command,
  to: Destination,
  onAnswer: (answer: Answer, from: number, count: number) => void | Promise<void>,
): Promise<void> {
  checkSizes({ ends, record }, to.table);
  let tries = 0;
  for (const slice of slices(bytes, ends, command.most)) {
    const answer = await send(to, command, slice.bytes);
    tries += answer.attempt;
    await onAnswer(answer, slice.from, slice.count);
  }
  // A message whose answer was lost may still be on its way.
  if (tries === 0) release?.();
}

/** The error for a document that the server doesn't take. */
export function refused(error: WriteError, record: SourceRecord, to: Destination): MigrationError {
  return unfit(`MongoDB refused a document, ${error.errmsg}`, record, to.table);
}
