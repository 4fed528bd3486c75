/** Indexes: built in one pass, and one by one where something is in the way of one of them. */
import type { Db, Document } from "mongodb";
import { MigrationError } from "../../../core/errors.ts";
import { freeName, indexNames, indexPattern, isSameIndex } from "../../../core/schema/indexes.ts";
import { fieldAt } from "../../../core/schema/keys.ts";
import type { Table, TargetDocument, TargetIndex } from "../../../core/types.ts";
import { DURABLE } from "../../_mongodb/client.ts";
import { hasCode } from "./collections.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;
/** There is one with these fields under another name, or another one under this name. */
const CONFLICTS = [85, 86];
/** A hashed index with an array in a field, an ascending one with arrays in two. */
const ARRAYS = [16766, 171];
/** Before MongoDB 4.4: a hashed index has one field. */
const NOT_COMPOUND = 16763;
/** Among others: one more than the 64 that a collection can have. */
const CANNOT_CREATE = 67;
/** As many as a collection can have, and more. */
const MOST_INDEXES = 1000;
const REFUSALS = [...ARRAYS, NOT_COMPOUND, CANNOT_CREATE];

/** What to do about two documents of one key in a table that was empty. */
export const TWO_OF_A_KEY =
  "two documents have the same key: see whether another program writes there, or a plugin changes keys";

/** Told of a user's index that isn't built as it was planned. */
export type Warn = (message: string, index: string) => void;

/** Whether an index refuses a document. */
export function isIndexRefusal({ code }: { code: number }): boolean {
  return ARRAYS.includes(code);
}

/**
 * Builds a table's indexes in one pass over its data; those that are there already are left. A user's index that the
 * data can't have becomes an ascending one, or is left out.
 *
 * @returns how many there are then
 */
export async function buildIndexes(
  db: Db,
  table: Table,
  indexes: TargetIndex[],
  warn: Warn,
): Promise<number> {
  if (indexes.length === 0) return 0;
  const named = indexNames(indexes).map((name, i) => ({ ...indexes[i]!, name }));
  try {
    await create(db, table, named);
    return indexes.length;
  } catch (error) {
    if (![...CONFLICTS, ...REFUSALS].some((code) => hasCode(error, code))) throw error;
  }
  let built = 0;
  for (const origin of ["primary", "user"]) {
    for (const index of named) {
      if (index.origin === origin && (await buildOne(db, table, index, warn))) built++;
    }
  }
  return built;
}

/** The same where there is no document yet: what is refused is left to {@link buildIndexes}, which tells of it. */
export async function buildFirst(db: Db, table: Table, indexes: TargetIndex[]): Promise<void> {
  if (indexes.length === 0) return;
  const named = indexNames(indexes).map((name, i) => ({ ...indexes[i]!, name }));
  await create(db, table, named).catch((error: unknown) => {
    const isLeft = [...CONFLICTS, ...REFUSALS].some((code) => hasCode(error, code));
    // Another program has written there.
    const isDouble = error instanceof MigrationError;
    if (!isLeft && !isDouble) throw error;
  });
}

/** Builds one index, or what can be had of it; gives whether there is one then. */
async function buildOne(db: Db, table: Table, index: TargetIndex, warn: Warn): Promise<boolean> {
  const name = indexPattern(index);
  try {
    await createUnlessThere(db, table, index);
    return true;
  } catch (error) {
    const refused = REFUSALS.some((code) => hasCode(error, code));
    if (!refused || index.origin === "primary") throw error;
    const instead = hasCode(error, CANNOT_CREATE)
      ? undefined
      : hasCode(error, NOT_COMPOUND)
        ? hashedOnFirst(index)
        : ascendingInstead(index);
    const what = `table ${table.name} can't have the index ${name}: ${(error as Error).message}`;
    if (instead === undefined) {
      warn(`${what}; it is left out`, name);
      return false;
    }
    warn(`${what}; it becomes ${indexPattern(instead)}`, name);
    return buildOne(db, table, instead, warn);
  }
}

async function createUnlessThere(db: Db, table: Table, index: TargetIndex): Promise<void> {
  const existing = await listIndexes(db, table);
  if (existing.some((each) => isAlike(each, index) && (each["unique"] === true || !index.unique))) return;
  const taken = existing.map(({ name }) => String(name));
  await create(db, table, [{ ...index, name: freeName(indexPattern(index), taken) }]);
}

async function create(
  db: Db,
  { name: tableName, targetName }: Table,
  indexes: (TargetIndex & { name: string })[],
): Promise<void> {
  const specs = indexes.map(({ name, fields, unique }) => ({
    name,
    // A Map, because the driver would read a field called _bsontype as an instruction.
    key: new Map(fields.map(({ path, kind }) => [path, kind === "hashed" ? kind : 1])),
    ...(unique && { unique }),
  }));
  try {
    await db.command({ createIndexes: targetName, indexes: specs, writeConcern: DURABLE });
  } catch (error) {
    if (!hasCode(error, DUPLICATE_KEY)) throw error;
    throw new MigrationError("DUPLICATE_KEY", `${(error as Error).message}: table ${tableName}`, {
      cause: error,
      hint: TWO_OF_A_KEY,
    });
  }
}

/**
 * Takes indexes away that a document can't be in, of those that were planned for its table; what can be had of them
 * is built first. It may be called again after a crash.
 *
 * @param planned the table's indexes; others are their owners'
 * @returns whether such an index was planned: the document can be sent again
 */
export async function makeFit(
  db: Db,
  table: Table,
  planned: TargetIndex[],
  document: TargetDocument,
  warn: Warn,
): Promise<boolean> {
  const users = planned.filter(({ origin, unique }) => origin === "user" && !unique);
  const made = users
    .flatMap((index) => [index, hashedOnFirst(index), ascendingInstead(index)])
    .filter((index) => index !== undefined);
  const unfit = made.filter(
    (index, i) => !fits(document, index) && made.findIndex((each) => isSameIndex(each, index)) === i,
  );
  const existing = await listIndexes(db, table);
  for (const index of unfit) {
    const found = existing.find((each) => each["unique"] !== true && isAlike(each, index));
    if (found === undefined) continue;
    const fields = index.fields.map(({ path }) => path).join(", ");
    const what = `a document of table ${table.name} has a list or a set in ${fields}, which the index ${found["name"]} can't have`;
    const instead = ascendingInstead(index);
    const kept = instead !== undefined && fits(document, instead);
    const name = String(found["name"]);
    warn(kept ? `${what}: it becomes ${indexPattern(instead)}` : `${what}: it is left out`, name);
    if (kept) await buildOne(db, table, instead, warn);
    await dropIndex(db, table, name);
  }
  return unfit.length > 0;
}

/** Drops an index; one that is gone was dropped by an earlier try. */
async function dropIndex(db: Db, { targetName }: Table, name: string): Promise<void> {
  try {
    await db.command({ dropIndexes: targetName, index: name, writeConcern: DURABLE });
  } catch (error) {
    if (!hasCode(error, INDEX_NOT_FOUND)) throw error;
  }
}

/** Whether a document can be in an index. */
function fits(document: TargetDocument, index: TargetIndex): boolean {
  const arrays = index.fields.filter(({ path }) => Array.isArray(fieldAt(document, path))).length;
  return arrays <= mostArrays(index);
}

/** How many of an index's fields may be arrays in one document. */
export function mostArrays(index: TargetIndex): number {
  return isHashed(index) ? 0 : 1;
}

const isHashed = ({ fields }: TargetIndex): boolean => fields.some(({ kind }) => kind === "hashed");

/** The ascending index in a hashed one's place. */
export function ascendingInstead(index: TargetIndex): TargetIndex | undefined {
  if (!isHashed(index)) return undefined;
  return { ...index, fields: index.fields.map(({ path }) => ({ path, kind: "ascending" })) };
}

/** What a compound hashed index becomes where there is none. */
export function hashedOnFirst(index: TargetIndex): TargetIndex | undefined {
  const [first, ...others] = index.fields;
  return isHashed(index) && others.length > 0 ? { ...index, fields: [first!] } : undefined;
}

/** Whether an index is this one: names that are numbers have lost their order where it was decoded. */
export function isAlike(existing: Document, { fields }: TargetIndex): boolean {
  const key = Object.fromEntries(fields.map(({ path, kind }) => [path, kind === "hashed" ? kind : 1]));
  return isSameIndex({ fields: fieldsOf(existing["key"] as Document) }, { fields: fieldsOf(key) });
}

/**
 * The indexes of a collection as the server lists them; none where there is no collection. One that is still being built,
 * by a process that was killed perhaps, is none: it refuses no second document of a key, and may yet fail.
 */
export async function listIndexes(db: Db, { targetName }: Table): Promise<Document[]> {
  const list = { listIndexes: targetName, cursor: { batchSize: MOST_INDEXES } };
  try {
    // The driver's own listing can't ask for what tells them apart.
    const { cursor } = await db.command({ ...list, includeBuildUUIDs: true });
    return cursor.firstBatch.filter((index: Document) => !("buildUUID" in index));
  } catch (error) {
    if (hasCode(error, NAMESPACE_NOT_FOUND)) return [];
    throw error;
  }
}

/** Other kinds, `-1` or `text`, are told apart by their paths. */
function fieldsOf(key: Document): TargetIndex["fields"] {
  return Object.entries(key).map(([path, value]) => {
    if (value === "hashed") return { path, kind: "hashed" };
    return { path: value === 1 ? path : `${path} ${value}`, kind: "ascending" };
  });
}
