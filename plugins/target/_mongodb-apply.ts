/** Changes as commands: replaces and deletes by key, and inserts that find nothing there. */
import { createDocumentWriter } from "../../core/bson.ts";
import type { Batch, SourceRecord, TargetDocument, WriteResult } from "../../core/types.ts";
import { answered, WRITE_TIMEOUT } from "./_mongodb-client.ts";
import { append, type Destination, duplicate, filterOf, refused } from "./_mongodb-commands.ts";
import { replace, sendEach } from "./_mongodb-replace.ts";
import { writeBatch } from "./_mongodb-write.ts";

/** `increase.executor.*`: what is done where the target isn't as the source says. */
export interface ApplyRules {
  /** A change of what is missing inserts it. */
  upsert: boolean;
  /** An insert of what is there replaces it. */
  replaceDuplicates: boolean;
}

/** Applies changes, at most one of a key. */
export async function applyBatch(batch: Batch, to: Destination, rules: ApplyRules): Promise<WriteResult> {
  const started = performance.now();
  const deletes: SourceRecord[] = [];
  const replaces: SourceRecord[] = [];
  const inserts: SourceRecord[] = [];
  for (const record of batch.records) {
    if (record.op === "delete") deletes.push(record);
    else if (record.event === "INSERT" && !rules.replaceDuplicates && !record.replayed) inserts.push(record);
    else replaces.push(record);
  }
  const upserts = ({ event }: SourceRecord): boolean => event !== "MODIFY" || rules.upsert;
  const [inserted, , strict] = await Promise.all([
    replace(replaces, upserts, to),
    remove(deletes, to),
    insert({ ...batch, records: inserts }, to),
  ]);
  return {
    inserted: inserted + strict.inserted,
    replaced: replaces.length - inserted,
    deleted: deletes.length,
    duplicates: strict.duplicates,
    ms: performance.now() - started,
  };
}

async function remove(records: SourceRecord[], to: Destination): Promise<void> {
  const statement = (record: SourceRecord): TargetDocument => ({ q: filterOf(record, to), limit: 1 });
  await sendEach(records, statement, "delete", "deletes", to, (errors, _, some) => {
    for (const error of errors) throw refused(error, some[error.index]!, to);
  });
}

/** Inserts; what is there already must be the same document, which an earlier try may have written. */
async function insert(batch: Batch, to: Destination): Promise<Pick<WriteResult, "inserted" | "duplicates">> {
  if (batch.records.length === 0) return { inserted: 0, duplicates: 0 };
  const there: SourceRecord[] = [];
  const found = await writeBatch(batch, {
    ...to,
    onDuplicate: (record) => void there.push(record),
  });
  for (const record of there) {
    if (!(await isThere(record, to))) throw duplicate(record, to, "increase.executor.insert_on_dup_update");
  }
  return { inserted: found.inserted, duplicates: found.duplicates + there.length };
}

/** Whether the document at the target is this one, its `_id` aside where that was made up. */
async function isThere(record: SourceRecord, to: Destination): Promise<boolean> {
  const projection = to.ids === "key" ? {} : { _id: 0 };
  const options = { raw: true, projection, maxTimeMS: WRITE_TIMEOUT };
  const collection = to.db.collection(to.table.targetName);
  const answer = collection.findOne(filterOf(record, to), options);
  const found = (await answered(answer, to.abandon)) as Uint8Array | null;
  if (found === null) return false;
  const writer = createDocumentWriter({ doubles: to.doubles, addId: false });
  append(writer, { document: record.document! }, record, to);
  return Buffer.compare(writer.bytes(), found) === 0;
}
