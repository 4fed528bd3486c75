/** Changes that are encoded already as commands: what a plain replace or delete can do, without records. */
import { ObjectId } from "mongodb";
import { BOOLEAN, BsonBuffer, DOCUMENT, INT32, OBJECT_ID } from "../../_bson/bson-buffer.ts";
import { cstringEnd, valueEnd } from "../../_bson/elements.ts";
import type { ChangeBatch, EncodedChange } from "../../../core/plugin/changes.ts";
import { valuesOf } from "../../../core/flow/parallel.ts";
import type { SourceRecord, WriteResult } from "../../../core/types.ts";
import { applyBatch, type ApplyRules, isStrict, mayInsert } from "./apply.ts";
import { DELETE, type Destination, INSERT, refused, sendAll, UPDATE } from "./commands.ts";
import type { InsertFirst } from "./insert-first.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";
import { type Failed, mended, replace, type Replaced } from "./replace.ts";

/** Documents one behind the other, and what they are of. */
type Encoded = Parameters<typeof sendAll>[0];

/** What a statement takes beside filter and document, at most. */
const FRAME = 32;
/** What is reserved for the last name, so that the buffer needn't grow. */
const SPARE = 128;
const DOLLAR = 0x24;

/**
 * Applies changes, at most one of a key.
 *
 * @param first whether those that insert are sent as inserts first
 */
export async function applyEncoded(
  batch: ChangeBatch,
  to: Destination,
  rules: ApplyRules,
  first: InsertFirst,
): Promise<WriteResult> {
  const started = performance.now();
  const { unit } = batch;
  const insertsFirst = batch.changes.some(isInsert) && (await first.mayTry());
  const deletes: EncodedChange[] = [];
  const inserts: EncodedChange[] = [];
  const replaces: EncodedChange[] = [];
  const others: SourceRecord[] = [];
  for (const change of batch.changes) {
    if (to.ids === "derived") others.push(batch.record(change));
    else if (isDelete(change)) deletes.push(change);
    else if (isStrict(change, rules) || hasOperator(change)) others.push(batch.record(change));
    else if (insertsFirst && isInsert(change)) inserts.push(change);
    else replaces.push(change);
  }
  const [{ inserted, replaced }, put, deleted, rest] = valuesOf(
    await Promise.allSettled([
      replaceAll(replaces, batch, to, rules),
      insertAll(inserts, batch, to, rules, first),
      removeAll(deletes, batch, to),
      others.length === 0 ? undefined : applyBatch({ unit, records: others }, to, rules),
    ]),
  );
  return {
    inserted: inserted + put.inserted + (rest?.inserted ?? 0),
    replaced: replaced + put.replaced + (rest?.replaced ?? 0),
    deleted: deleted + (rest?.deleted ?? 0),
    duplicates: rest?.duplicates ?? 0,
    missed: replaces.length - inserted - replaced + deletes.length - deleted + (rest?.missed ?? 0),
    ms: performance.now() - started,
  };
}

const isDelete = ({ start, end }: EncodedChange): boolean => start === end;

const isInsert = ({ event, start, end }: EncodedChange): boolean => event === "INSERT" && start !== end;

/** Whether a field's name begins with a `$`, which a plain replacement refuses. */
function hasOperator({ bytes, start, end }: EncodedChange): boolean {
  for (let at = start + 4; at < end - 1;) {
    if (bytes[at + 1] === DOLLAR) return true;
    at = valueEnd(bytes, bytes[at]!, cstringEnd(bytes, at + 1) + 1);
  }
  return false;
}

async function replaceAll(
  changes: EncodedChange[],
  { record }: ChangeBatch,
  to: Destination,
  rules: ApplyRules,
): Promise<Replaced> {
  const result: Replaced = { inserted: 0, replaced: 0 };
  const failed: Failed[] = [];
  const write = (out: BsonBuffer, { bytes, start, end, event }: EncodedChange): void => {
    out.name("u");
    out.type(DOCUMENT);
    out.raw(bytes.subarray(start, end));
    out.name("upsert");
    out.type(BOOLEAN);
    out.boolean(mayInsert(event, rules));
  };
  const statements = statementsOf(changes, write, record);
  await sendAll(statements, UPDATE, to, ({ errors, done, upserted }, from) => {
    result.inserted += upserted;
    result.replaced += done - upserted;
    for (const error of errors) failed.push([error, statements.record(from + error.index)]);
  });
  const again = await replace(await mended(failed, to), ({ event }) => mayInsert(event, rules), to);
  return { inserted: result.inserted + again.inserted, replaced: result.replaced + again.replaced };
}

/** Inserts, and replaces what is there already. */
async function insertAll(
  changes: EncodedChange[],
  batch: ChangeBatch,
  to: Destination,
  rules: ApplyRules,
  first: InsertFirst,
): Promise<Replaced> {
  const there: EncodedChange[] = [];
  const failed: Failed[] = [];
  let inserted = 0;
  const makesId = to.ids === "any";
  const write = (out: BsonBuffer, { bytes, start, end }: EncodedChange): void => {
    if (makesId) {
      out.name("_id");
      out.type(OBJECT_ID);
      out.raw(ObjectId.generate());
    }
    // Between its length and its end.
    out.raw(bytes.subarray(start + 4, end - 1));
  };
  const documents = encodeEach(changes, write, batch.record);
  await sendAll(documents, INSERT, to, ({ errors, done }, from) => {
    inserted += done;
    for (const error of errors) {
      const change = changes[from + error.index]!;
      if (error.code === DUPLICATE_KEY) there.push(change);
      else failed.push([error, batch.record(change)]);
    }
  });
  if (changes.length > 0) first.saw(changes.length, there.length);
  const replaced = await replaceAll(there, batch, to, rules);
  const again = await replace(await mended(failed, to), () => true, to);
  return {
    inserted: inserted + replaced.inserted + again.inserted,
    replaced: replaced.replaced + again.replaced,
  };
}

/** Deletes; gives how many were there. */
async function removeAll(
  changes: EncodedChange[],
  { record }: ChangeBatch,
  to: Destination,
): Promise<number> {
  let deleted = 0;
  const write = (out: BsonBuffer): void => {
    out.name("limit");
    out.type(INT32);
    out.int32(1);
  };
  const statements = statementsOf(changes, write, record);
  await sendAll(statements, DELETE, to, ({ errors, done }, from) => {
    deleted += done;
    for (const error of errors) throw refused(error, statements.record(from + error.index), to);
  });
  return deleted;
}

/** A statement for each change: its filter, and the elements that `write` appends. */
function statementsOf(
  changes: EncodedChange[],
  write: (out: BsonBuffer, change: EncodedChange) => void,
  record: ChangeBatch["record"],
): Encoded {
  const withFilter = (out: BsonBuffer, change: EncodedChange): void => {
    out.name("q");
    out.type(DOCUMENT);
    out.latin1(change.key);
    write(out, change);
  };
  return encodeEach(changes, withFilter, record);
}

/** A document for each change, of the elements that `write` appends. */
function encodeEach(
  changes: EncodedChange[],
  write: (out: BsonBuffer, change: EncodedChange) => void,
  record: ChangeBatch["record"],
): Encoded {
  const size = changes.reduce((sum, { key, start, end }) => sum + key.length + end - start + FRAME, 0);
  const out = new BsonBuffer(size + SPARE);
  const ends = changes.map((change) => {
    out.reserve(FRAME);
    const start = out.open();
    write(out, change);
    out.close(start);
    return out.at;
  });
  return { ...out.take(out.length), ends, record: (index) => record(changes[index]!) };
}
