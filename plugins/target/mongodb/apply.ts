/** Changes as commands: replaces and deletes by key, and inserts that find nothing there. */
import type { Document, FindOptions } from "mongodb";
import { createDocumentWriter } from "../../_bson/document-writer.ts";
import type { Config } from "../../../core/config/config.ts";
import { inParallel, valuesOf } from "../../../core/flow/parallel.ts";
import { withRetry } from "../../../core/flow/retry.ts";
import type { Batch, ChangeHead, SourceRecord, TargetDocument, WriteResult } from "../../../core/types.ts";
import { WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { append, DELETE, type Destination, duplicate, filterOf, refused } from "./commands.ts";
import { replace, sendEach } from "./replace.ts";
import { hasId, writeBatch } from "./insert.ts";

/** Looks at once. */
const LOOKS = 8;

/** `increase.executor.*`: what is done where the target isn't as the source says. */
export interface ApplyRules {
  /** A change of what is missing inserts it. */
  upsert: boolean;
  /** An insert of what is there replaces it. */
  replaceDuplicates: boolean;
}

/** As the configuration has them. */
export function rulesOf(config: Config): ApplyRules {
  return {
    upsert: config["increase.executor.upsert"],
    replaceDuplicates: config["increase.executor.insert_on_dup_update"],
  };
}

/** Applies changes, at most one of a key. */
export async function applyBatch(batch: Batch, to: Destination, rules: ApplyRules): Promise<WriteResult> {
  const started = performance.now();
  const deletes: SourceRecord[] = [];
  const replaces: SourceRecord[] = [];
  const inserts: SourceRecord[] = [];
  for (const record of batch.records) {
    if (record.op === "delete") deletes.push(record);
    else if (isStrict(record, rules)) inserts.push(record);
    else replaces.push(record);
  }
  const upserts = ({ event }: SourceRecord): boolean => mayInsert(event, rules);
  const [{ inserted, replaced }, deleted, strict] = valuesOf(
    await Promise.allSettled([
      replace(replaces, upserts, to),
      remove(deletes, to),
      insert({ ...batch, records: inserts }, to),
    ]),
  );
  return {
    inserted: inserted + strict.inserted,
    replaced,
    deleted,
    duplicates: strict.duplicates,
    missed: replaces.length - inserted - replaced + deletes.length - deleted,
    ms: performance.now() - started,
  };
}

/** Whether a put must not find its document there. */
export function isStrict({ event, replayed }: ChangeHead, rules: ApplyRules): boolean {
  return event === "INSERT" && !rules.replaceDuplicates && !replayed;
}

/** Whether a put that finds no document inserts it. */
export function mayInsert(event: SourceRecord["event"], rules: ApplyRules): boolean {
  return event !== "MODIFY" || rules.upsert;
}

/** Deletes; gives how many were there. */
async function remove(records: SourceRecord[], to: Destination): Promise<number> {
  let deleted = 0;
  const statement = (record: SourceRecord): TargetDocument => ({ q: filterOf(record, to), limit: 1 });
  await sendEach(records, statement, DELETE, to, ({ errors, done }, some) => {
    deleted += done;
    for (const error of errors) throw refused(error, some[error.index]!, to);
  });
  return deleted;
}

/** Inserts; what is there already must be the same document, which an earlier try may have written. */
async function insert(batch: Batch, to: Destination): Promise<Pick<WriteResult, "inserted" | "duplicates">> {
  if (batch.records.length === 0) return { inserted: 0, duplicates: 0 };
  const there = to.ids === "derived" ? await present(batch.records, to) : [];
  const missing = batch.records.filter((record) => !there.includes(record));
  const found = await writeBatch(
    { ...batch, records: missing },
    {
      ...to,
      onDuplicate: (record) => void there.push(record),
    },
  );
  for (const record of there) {
    if (!(await isThere(record, to))) throw duplicate(record, to, "increase.executor.insert_on_dup_update");
  }
  return { inserted: found.inserted, duplicates: found.duplicates + there.length };
}

/** Those whose key is there: where it isn't in the `_id`, and no unique index guards it, only a look tells. */
async function present(records: SourceRecord[], to: Destination): Promise<SourceRecord[]> {
  const found: SourceRecord[] = [];
  await inParallel(records, LOOKS, async (record) => {
    if ((await find(filterOf(record, to), { projection: { _id: 1 } }, to)) !== null) found.push(record);
  });
  return found;
}

function find(filter: TargetDocument, options: FindOptions, to: Destination): Promise<Document | null> {
  const collection = to.db.collection(to.table.targetName);
  return withRetry(
    () => to.inTurn(() => collection.findOne(filter, { ...options, maxTimeMS: WRITE_TIMEOUT })),
    to.retry,
  );
}

/** Whether the document at the target is this one, its `_id` aside where that was made up; the server puts it first. */
async function isThere(record: SourceRecord, to: Destination): Promise<boolean> {
  const { _id, ...rest } = record.document!;
  const own = to.ids !== "key" && hasId(record);
  const filter = own ? { ...filterOf(record, to), _id } : filterOf(record, to);
  const projection = to.ids === "key" ? {} : { _id: 0 };
  const found = (await find(filter, { raw: true, projection }, to)) as Uint8Array | null;
  if (found === null) return false;
  const writer = createDocumentWriter({ doubles: to.doubles, addId: false });
  append(writer, { document: own ? rest : record.document! }, record, to);
  return Buffer.compare(writer.bytes(), found) === 0;
}
