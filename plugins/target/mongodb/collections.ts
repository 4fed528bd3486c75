/** Collections: what is there, making room, creating. Every step may be repeated. */
import { type Db, MongoServerError } from "mongodb";
import { DURABLE } from "../../_mongodb/client.ts";
import { renamedTo } from "./names.ts";

const NAMESPACE_NOT_FOUND = 26;
const NAMESPACE_EXISTS = 48;

/** A collection's UUID, `view` for a view; undefined when there is nothing of that name. */
export async function findCollection(db: Db, name: string): Promise<string | undefined> {
  const [found] = await db.listCollections({ name }, { nameOnly: false }).toArray();
  if (found === undefined) return undefined;
  // A view has none.
  return found.info?.uuid?.toString() ?? found.type ?? "there";
}

/** What a database has, by name: "collection", "view", "timeseries". */
export async function collectionKinds(db: Db): Promise<Map<string, string>> {
  const found = await db.listCollections({}, { nameOnly: true }).toArray();
  return new Map(found.map(({ name, type }) => [name, type ?? "collection"]));
}

/** Drops a collection; one that is gone already is no error. */
export async function dropCollection(db: Db, name: string): Promise<void> {
  await db.dropCollection(name, { writeConcern: DURABLE });
}

/** Renames a collection out of the way, at the run's time; one that is gone was renamed by an earlier try. */
export async function renameAway(db: Db, name: string, at: Date, attempt: number): Promise<void> {
  try {
    await db.renameCollection(name, renamedTo(name, at), { writeConcern: DURABLE });
  } catch (error) {
    if (attempt === 0 || !hasCode(error, NAMESPACE_NOT_FOUND)) throw error;
  }
}

/** Creates a collection; one that is there and empty was created by an earlier try or process. */
export async function createCollection(db: Db, name: string): Promise<void> {
  try {
    await db.createCollection(name, { writeConcern: DURABLE });
  } catch (error) {
    if (!hasCode(error, NAMESPACE_EXISTS) || !(await isEmpty(db, name))) throw error;
  }
}

/** Whether a collection has no document; a view may not be asked, and isn't. */
export async function isEmpty(db: Db, name: string): Promise<boolean> {
  const [found] = await db.listCollections({ name }, { nameOnly: false }).toArray();
  if (found !== undefined && found.type !== "collection") return false;
  return (await db.collection(name).findOne({}, { projection: { _id: 1 } })) === null;
}

/** Whether the server answered with this code. */
export function hasCode(error: unknown, code: number): boolean {
  return error instanceof MongoServerError && error.code === code;
}
