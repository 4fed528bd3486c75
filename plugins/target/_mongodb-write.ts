/** Batches as pre-encoded commands: inserts, and replaces by key for what is there already. */
import { type Db, MongoServerError, ObjectId } from "mongodb";
import { createDocumentWriter, type DocumentWriter } from "../../core/bson.ts";
import { documentId } from "../../core/document-id.ts";
import { MigrationError } from "../../core/errors.ts";
import { type RetryOptions, withRetry } from "../../core/retry.ts";
import type {
  Batch,
  EncodedBatch,
  SourceRecord,
  Table,
  TargetDocument,
  WriteResult,
} from "../../core/types.ts";
import { setField } from "../../core/value.ts";
import { answered, DURABLE, WRITE_TIMEOUT } from "./_mongodb-client.ts";
import { encodedDocuments } from "./_mongodb-internals.ts";

/** The most a message carries; the guide's 16 MB. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
/** The largest document the server takes. */
const DOCUMENT_BYTES = 16 * 1024 * 1024;
const DUPLICATE_KEY = 11000;

/** What goes into one message: documents and the records behind them. */
interface Chunk {
  bytes: Uint8Array;
  count: number;
  record: (index: number) => SourceRecord;
}

interface WriteError {
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
  /** What `_id` is: made up here; the table's own key; or made of the key, see core/document-id.ts. */
  ids: "any" | "key" | "derived";
  /** The partition key's field path. */
  partitionPath: string;
  /** Whether a document whose key is there already replaces it. */
  replaceDuplicates: boolean;
  retry: RetryOptions;
}

/** Writes a batch of puts. */
export async function writeBatch({ unit, records }: Batch, to: Destination): Promise<WriteResult> {
  // Encoded once with its `_id`, so that a message can be sent again byte for byte.
  const writer = createDocumentWriter({ doubles: to.doubles, addId: true });
  const ends = records.map((record) => {
    const id = to.ids === "derived" ? derivedId(record, to) : undefined;
    return append(writer, { document: record.document!, id }, record, to);
  });
  return writeEncoded({ unit, bytes: writer.bytes(), ends, record: (index) => records[index]! }, to);
}

/** Writes documents that are BSON already. */
export async function writeEncoded(batch: EncodedBatch, to: Destination): Promise<WriteResult> {
  const started = performance.now();
  const result: WriteResult = { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
  for (const chunk of messages(batch, to)) {
    const again = await insert(chunk, to, result);
    if (again.length > 0) await replace(again, to, result);
  }
  result.ms = performance.now() - started;
  return result;
}

/** Cuts a batch into messages of at most 16 MB. */
function* messages({ bytes, ends, record }: EncodedBatch, to: Destination): Generator<Chunk> {
  let first = 0;
  let from = 0;
  for (let i = 0; i < ends.length; i++) {
    const start = i === 0 ? 0 : ends[i - 1]!;
    const size = ends[i]! - start;
    if (size > DOCUMENT_BYTES) throw tooLarge(size, record(i), to);
    if (ends[i]! - from > MESSAGE_BYTES) {
      const offset = first;
      yield { bytes: bytes.subarray(from, start), count: i - first, record: (at) => record(offset + at) };
      first = i;
      from = start;
    }
  }
  const offset = first;
  const count = ends.length - first;
  if (count > 0) yield { bytes: bytes.subarray(from), count, record: (at) => record(offset + at) };
}

/** The `_id` made of a record's key; a document must not have another, or nothing would guard the key. */
function derivedId({ keys, document }: SourceRecord, to: Destination): Uint8Array {
  if (document !== undefined && Object.hasOwn(document, "_id")) {
    const what = "a plugin sets _id, which is made of the key in a sharded collection";
    throw new MigrationError("DATA_UNFIT", `${what}: ${whereIs({ keys }, to)}`, {
      hint: "let the plugin leave _id alone, or give the value another name",
    });
  }
  return documentId(keys, to.table.keys);
}

/** Appends a document and gives where it ends. */
function append(
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
    throw unfit(error.message, record, to, error);
  }
}

function tooLarge(size: number, record: SourceRecord, to: Destination): MigrationError {
  return unfit(`the document has ${size} bytes, MongoDB takes 16 MiB`, record, to);
}

/** What MongoDB can't take, with table and key. */
function unfit(what: string, record: SourceRecord, to: Destination, cause?: unknown): MigrationError {
  return new MigrationError("DATA_UNFIT", `${what}: ${whereIs(record, to)}`, {
    cause,
    hint: "correct the item at the source, or leave its table out",
  });
}

function whereIs({ keys }: Pick<SourceRecord, "keys">, to: Destination): string {
  return `table ${to.table.name}, key ${JSON.stringify(keys)}`;
}

/**
 * Inserts. A duplicate of an `_id` made up here means that an earlier try, whose answer was lost, had
 * written it; another duplicate is a key that is there already. Where the key is in `_id`, it can be either:
 * after an earlier try the document is replaced in any case, by itself or not.
 *
 * @returns the records to replace
 */
async function insert(chunk: Chunk, to: Destination, result: WriteResult): Promise<SourceRecord[]> {
  const again: SourceRecord[] = [];
  const { errors, attempt } = await send(to, "insert", "documents", chunk.bytes);
  for (const error of errors) {
    const record = chunk.record(error.index);
    if (error.code !== DUPLICATE_KEY) throw refused(error, record, to);
    const onId = error.keyPattern !== undefined && Object.keys(error.keyPattern)[0] === "_id";
    if (onId && to.ids === "any") result.duplicates++;
    else if (to.replaceDuplicates || (onId && attempt > 0)) again.push(record);
    else throw duplicate(record, to);
  }
  result.inserted += chunk.count - errors.length;
  return again;
}

/** Replaces by key, whatever the document's names: a plain replacement refuses those with a `$`. */
async function replace(records: SourceRecord[], to: Destination, result: WriteResult): Promise<void> {
  const writer = createDocumentWriter({ doubles: to.doubles, addId: false });
  for (const record of records) {
    const u = [{ $replaceWith: { $literal: record.document } }];
    append(writer, { document: { q: filterOf(record, to), u, upsert: true } }, record, to);
  }
  const { errors } = await send(to, "update", "updates", writer.bytes());
  for (const error of errors) throw refused(error, records[error.index]!, to);
  result.replaced += records.length;
}

/** What finds a record's document. A sharded collection wants the shard key, to ask one shard only. */
function filterOf(record: SourceRecord, to: Destination): TargetDocument {
  if (to.ids !== "derived") return record.key!;
  const filter: TargetDocument = { _id: new ObjectId(derivedId(record, to)) };
  setField(filter, to.partitionPath, record.key![to.partitionPath]);
  return filter;
}

/**
 * Sends a command whose documents are encoded already, again and again while its outcome is unknown.
 *
 * @returns what was refused, and the number of the try that was answered, from 0
 */
async function send(
  to: Destination,
  command: string,
  field: string,
  bytes: Uint8Array,
): Promise<{ errors: WriteError[]; attempt: number }> {
  return withRetry(async (attempt) => {
    const answer = await answered(
      to.db.command({
        [command]: to.table.targetName,
        ordered: false,
        writeConcern: DURABLE,
        maxTimeMS: WRITE_TIMEOUT,
        ...encodedDocuments(field, bytes),
      }),
    );
    // Written, but not durably so: an unknown outcome as any other.
    if (answer.writeConcernError) throw new MongoServerError(answer.writeConcernError);
    const errors = (answer.writeErrors ?? []) as WriteError[];
    // A mongos names a shard that is away document by document.
    const others = errors.filter(({ code }) => code !== DUPLICATE_KEY);
    const away = others.map((error) => new MongoServerError({ ...error })).find(to.retry.passes);
    if (away !== undefined) throw away;
    return { errors, attempt };
  }, to.retry);
}

function refused(error: WriteError, record: SourceRecord, to: Destination): MigrationError {
  return unfit(`MongoDB refused a document, ${error.errmsg}`, record, to);
}

function duplicate(record: SourceRecord, to: Destination): MigrationError {
  const what = `a document of this key is there already: ${whereIs(record, to)}`;
  return new MigrationError("DUPLICATE_KEY", what, {
    hint: "set full.executor.insert_on_dup_update = true to replace it",
  });
}
