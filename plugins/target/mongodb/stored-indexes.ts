/** What differs between the indexes that a collection should have and those that it has. */
import type { Db, Document } from "mongodb";
import type { IndexFault } from "../../../core/plugin/stored.ts";
import { indexPattern } from "../../../core/schema/indexes.ts";
import type { Table, TargetIndex } from "../../../core/types.ts";
import { ascendingInstead, hashedOnFirst, isAlike, listIndexes, mostArrays } from "./indexes.ts";

/** As many as a collection can have. */
const MOST_INDEXES = 64;

/** What makes an index another one, and how that is called. */
const ODDITIES: Record<string, string> = {
  partialFilterExpression: "partial",
  sparse: "sparse",
  hidden: "hidden",
  collation: "of a collation",
  expireAfterSeconds: "a TTL index",
};

/** The indexes that are missing, or of another kind; what the data can't have was left out by the copy too. */
export async function indexFaults(db: Db, table: Table, wanted: TargetIndex[]): Promise<IndexFault[]> {
  const existing = await listIndexes(db, table);
  const faults: IndexFault[] = [];
  for (const fault of faultsAmong(existing, wanted)) {
    if (!(await isLeftOut(db, table, fault.wanted, existing))) faults.push(fault);
  }
  return faults;
}

/** Those of the indexes that aren't among these, as a server lists them. */
export function faultsAmong(existing: Document[], wanted: TargetIndex[]): IndexFault[] {
  // One that is wanted itself is none in another's place.
  const others = existing.filter((each) => !wanted.some((index) => isAlike(each, index)));
  return wanted
    .filter((index) => !isThere(existing, index))
    .map((index) => {
      const found = foundInstead(existing, others, index);
      return { wanted: index, ...(found !== undefined && { found }) };
    });
}

function isThere(existing: Document[], index: TargetIndex): boolean {
  return existing.some((each) => isAlike(each, index) && odditiesOf(each, index).length === 0);
}

function odditiesOf(found: Document, { unique }: TargetIndex): string[] {
  const odd = Object.keys(ODDITIES).filter((name) => found[name] !== undefined && found[name] !== false);
  return [
    ...(unique && found["unique"] !== true ? ["not unique"] : []),
    ...odd.map((name) => ODDITIES[name]!),
  ];
}

/** What there is with the same fields, or under the name. */
function foundInstead(existing: Document[], others: Document[], index: TargetIndex): string | undefined {
  const paths = (fields: string[]): string => fields.toSorted().join("\0");
  const wanted = paths(index.fields.map(({ path }) => path));
  const found =
    existing.find((each) => isAlike(each, index)) ??
    others.find(({ name }) => name === indexPattern(index)) ??
    others.find(({ key }) => paths(Object.keys(key as object)) === wanted);
  if (found === undefined) return undefined;
  const fields = Object.entries(found["key"] as object).map(([path, kind]) => `${path}: ${kind}`);
  const odd = isAlike(found, index) ? odditiesOf(found, index) : [];
  return [`${found["name"]} on ${fields.join(", ")}`, ...odd].join(", ");
}

/** Whether the copy couldn't have built it either; the documents are only looked at for one that isn't there. */
async function isLeftOut(db: Db, table: Table, index: TargetIndex, existing: Document[]): Promise<boolean> {
  if (index.origin !== "user") return false;
  if (existing.length >= MOST_INDEXES) return true;
  // Old servers have no compound hashed ones.
  const first = hashedOnFirst(index);
  if (first !== undefined && isThere(existing, first)) return true;
  if (!(await hasArrays(db, table, index))) return false;
  const instead = ascendingInstead(index);
  return instead === undefined || isThere(existing, instead) || hasArrays(db, table, instead);
}

/** Whether a document has more arrays in an index's fields than that can have. */
async function hasArrays(db: Db, { targetName }: Table, index: TargetIndex): Promise<boolean> {
  const most = mostArrays(index);
  const isArray = index.fields.map(({ path }) => new Map([[path, { $type: "array" }]]));
  if (isArray.length <= most) return false;
  const count = most + 1;
  // Every choice of so many of the fields.
  const choices =
    count === 1
      ? isArray
      : isArray.flatMap((one, i) => isArray.slice(i + 1).map((other) => ({ $and: [one, other] })));
  const found = await db
    .collection(targetName)
    .findOne({ $or: choices } as Document, { projection: { _id: 1 } });
  return found !== null;
}
