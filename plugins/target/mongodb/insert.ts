/** Batches as pre-encoded commands: inserts, and replaces by key for what is there already. */
import { createDocumentWriter } from "../../_bson/document-writer.ts";
import type { Batch, SourceRecord, WriteResult } from "../../../core/types.ts";
import type { EncodedBatch } from "../../../core/plugin/transcoder.ts";
import {
  type Answer,
  append,
  derivedId,
  type Destination,
  duplicate,
  INSERT,
  refused,
  sendAll,
  twoOfAKey,
} from "./commands.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";
import { isIndexRefusal } from "./indexes.ts";
import { replace } from "./replace.ts";

/** Writes a batch of puts. */
export async function writeBatch({ unit, records }: Batch, to: Destination): Promise<WriteResult> {
  if (to.overwrites) return overwrite(records, to);
  // Encoded once with its `_id`, so that a message can be sent again byte for byte.
  const writer = createDocumentWriter({ doubles: to.doubles, addId: true });
  const ends = records.map((record) => {
    const id =
      to.ids === "derived" ? derivedId(record, to) : to.ids === "any" ? to.idOf?.(record) : undefined;
    return append(writer, { document: record.document!, id }, record, to);
  });
  return writeEncoded({ unit, ...writer.take(), ends, record: (index) => records[index]! }, to);
}

/** Writes documents that are BSON already. */
export async function writeEncoded(batch: EncodedBatch, to: Destination): Promise<WriteResult> {
  if (to.overwrites) {
    const records = batch.ends.map((_, index) => batch.record(index));
    return overwrite(records, to);
  }
  const started = performance.now();
  const result: WriteResult = { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
  await sendAll(batch, INSERT, to, async (answer, from, count) => {
    result.inserted += count - answer.errors.length;
    const again = await refusedOf(answer, (index) => batch.record(from + index), to, result);
    const { inserted, replaced } = await replace(again, () => true, to);
    result.inserted += inserted;
    result.replaced += replaced;
  });
  result.ms = performance.now() - started;
  return result;
}

async function overwrite(records: SourceRecord[], to: Destination): Promise<WriteResult> {
  const started = performance.now();
  const replaced = await replace(records, () => true, { ...to, byKey: true });
  return { ...replaced, deleted: 0, duplicates: 0, ms: performance.now() - started };
}

/**
 * What became of inserts that were refused. A duplicate of an `_id` made up here means that an earlier try, whose answer was lost, had
 * written it; another duplicate is a key that is there already. Where `_id` is the item's own, its key or what a plugin
 * sets, it can be either: after an earlier try the document is replaced in any case, by itself or not.
 *
 * @returns the records to replace
 */
async function refusedOf(
  { errors, attempt }: Answer,
  recordAt: (index: number) => SourceRecord,
  to: Destination,
  result: WriteResult,
): Promise<SourceRecord[]> {
  const again: SourceRecord[] = [];
  for (const error of errors) {
    const record = recordAt(error.index);
    if (isIndexRefusal(error)) {
      await to.makeFit(error, record);
      again.push(record);
      continue;
    }
    if (error.code !== DUPLICATE_KEY) throw refused(error, record, to);
    const onId = error.keyPattern !== undefined && Object.keys(error.keyPattern)[0] === "_id";
    if (onId && to.ids === "any" && !hasId(record)) result.duplicates++;
    else if (!onId && to.isIndexedFirst) throw twoOfAKey(record, to);
    else if (to.replaceDuplicates || (onId && attempt > 0)) again.push(record);
    else if (to.onDuplicate !== undefined) to.onDuplicate(record);
    else throw duplicate(record, to, "full.executor.insert_on_dup_update");
  }
  return again;
}

/** Whether the document's `_id` isn't made up here. */
export function hasId({ document }: SourceRecord): boolean {
  return document !== undefined && Object.hasOwn(document, "_id");
}
