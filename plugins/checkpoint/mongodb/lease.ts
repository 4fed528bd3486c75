/** The lease as a document beside the states; its times are the server's. */
import { type Db, type Document, MongoServerError } from "mongodb";
import type { Holder, Holding } from "../../../core/plugin/roles.ts";
import { holderOf } from "../_holder.ts";
import { DURABLE, WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";

/** No state has this name. */
const NAME = "lease";
/** Who has it when nobody does: the document stays, so that who lost the lease can't make it anew. */
const NOBODY = "";
/** How often two that make the document at once are told apart. */
const RACES = 5;

/** Where a migration's lease is. */
export interface LeasePlace {
  collection: string;
  id: string;
}

interface LeaseDocument {
  holder: Holder;
  renewedAt: Date;
  /** When somebody looked last. */
  seenAt: Date;
}

/** The `_id` of a migration's lease. */
export const leaseId = (id: string): object => ({ id, name: NAME, part: "" });

/** See `LeaseKeeper.claim`. */
export async function claimLease(
  db: Db,
  { collection, id }: LeasePlace,
  ours: Holder,
  { ttl, over = NOBODY }: { ttl: number; over?: string },
): Promise<Holding> {
  const free = { $in: [{ $ifNull: ["$holder.token", NOBODY] }, [ours.token, NOBODY, over]] };
  const expired = { $lt: ["$renewedAt", { $subtract: ["$$NOW", ttl] }] };
  const mine = { _id: "$_id", holder: { $literal: ours }, renewedAt: "$$NOW", seenAt: "$$NOW" };
  const update = [
    { $set: { seenAt: "$$NOW" } },
    { $replaceWith: { $cond: [{ $or: [free, expired] }, mine, "$$ROOT"] } },
  ];
  for (let race = 0; ; race++) {
    try {
      const found = await change(db, collection, { query: { _id: leaseId(id) }, update, upsert: true });
      return holding(found!);
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY || race >= RACES) throw error;
    }
  }
}

/** See `LeaseKeeper.renew`. It is a write that a majority has: a primary that was replaced can't say yes. */
export async function renewLease(
  db: Db,
  { collection, id }: LeasePlace,
  { token }: Holder,
): Promise<Holding | undefined> {
  const _id = leaseId(id);
  const update = [{ $set: { renewedAt: "$$NOW", seenAt: "$$NOW" } }];
  const found = await change(db, collection, { query: { _id, "holder.token": token }, update });
  if (found !== undefined) return holding(found);
  const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
  const other = await db.collection<LeaseDocument>(collection).findOne({ _id: _id as never }, options);
  // It isn't ours any more, whatever a read says that came too late.
  if (other === null || tokenOf(other) === token) return undefined;
  return tokenOf(other) === NOBODY ? undefined : holding(other);
}

/** See `LeaseKeeper.find`. */
export async function findLease(db: Db, { collection, id }: LeasePlace): Promise<Holding | undefined> {
  const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
  const stages = [{ $match: { _id: leaseId(id) } }, { $set: { seenAt: "$$NOW" } }];
  const [found] = await db.collection(collection).aggregate<LeaseDocument>(stages, options).toArray();
  return found === undefined || tokenOf(found) === NOBODY ? undefined : holding(found);
}

/** See `LeaseKeeper.release`. */
export async function releaseLease(db: Db, { collection, id }: LeasePlace, { token }: Holder): Promise<void> {
  const query = { _id: leaseId(id), "holder.token": token };
  await change(db, collection, { query, update: { $set: { "holder.token": NOBODY } } });
}

/**
 * A statement that fails when the lease is another's: first in an ordered command, it keeps the others from being
 * executed.
 */
export function leaseCondition(id: string, holder: Holder): object {
  const { token, ...who } = holder;
  return {
    q: { _id: leaseId(id), "holder.token": token },
    u: {
      $currentDate: { renewedAt: true },
      $setOnInsert: Object.fromEntries(
        Object.entries(who).map(([field, value]) => [`holder.${field}`, value]),
      ),
    },
    upsert: true,
  };
}

/** Whether an error is that of {@link leaseCondition}. */
export function isLost(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY && error["index"] === 0;
}

async function change(db: Db, collection: string, more: Document): Promise<LeaseDocument | undefined> {
  const { value } = await db.command({
    findAndModify: collection,
    new: true,
    ...more,
    writeConcern: DURABLE,
    maxTimeMS: WRITE_TIMEOUT,
  });
  return (value as LeaseDocument | null) ?? undefined;
}

/** {@link NOBODY} also where it says nothing that a lease says: the next one takes it. */
function tokenOf({ holder }: Partial<LeaseDocument>): unknown {
  return (holder as Partial<Holder> | null | undefined)?.token ?? NOBODY;
}

/** What another program has made of it is a holder without words, and old. */
function holding({ holder, renewedAt, seenAt }: LeaseDocument): Holding {
  const age = Number(seenAt) - Number(renewedAt);
  const known = holderOf(holder) ?? {
    token: String(tokenOf({ holder })),
    host: "",
    system: "",
    pid: 0,
    since: "",
  };
  return { holder: known, age: Number.isFinite(age) ? age : Number.MAX_SAFE_INTEGER };
}
