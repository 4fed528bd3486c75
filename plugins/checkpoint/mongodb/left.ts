/** What a migration has in a checkpoint's databases beside its states, and how the last of it goes. */
import type { Db } from "mongodb";
import type { Holder } from "../../../core/plugin/roles.ts";
import { DURABLE, WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { leaseId, type LeasePlace } from "./lease.ts";
import { execute, ownerId, type StateDocument } from "./states.ts";

const READ = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;

/** The collections in a database, but for those that MongoDB keeps for itself. */
export async function collectionsIn(db: Db): Promise<string[]> {
  const there = await db.listCollections({}, { nameOnly: true }).toArray();
  return there.map(({ name }) => name).filter((name) => !name.startsWith("system."));
}

/** Whether there is a lease's document, or that of the owner. */
export async function hasRest(db: Db, { collection, id }: LeasePlace, owns: boolean): Promise<boolean> {
  if (owns) return true;
  const states = db.collection<StateDocument>(collection);
  return (await states.findOne({ _id: leaseId(id) as StateDocument["_id"] }, READ)) !== null;
}

/**
 * Removes the owner's document if it is this migration's, then the lease's if the holder has it, and the collection when
 * nothing is left in it.
 *
 * @param alone no other migration has its states there: it may be made anew by nobody at the same moment
 */
export async function removeRest(
  db: Db,
  { collection, id }: LeasePlace,
  holder: Holder | undefined,
  alone: boolean,
): Promise<void> {
  const deletes = [
    { q: { _id: ownerId, state: JSON.stringify(id) }, limit: 1 },
    { q: { _id: leaseId(id), ...(holder && { "holder.token": holder.token }) }, limit: 1 },
  ];
  await execute(db, { delete: collection, deletes });
  if (!alone || (await db.collection(collection).findOne({}, READ)) !== null) return;
  await db.dropCollection(collection, { writeConcern: DURABLE });
}
