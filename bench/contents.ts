/** A fast run that wrote the wrong thing is no result: what the target must hold after each run. */
import { BSON, Int32, type MongoClient } from "mongodb";
import { type Change, changeAt, imageOf } from "./changes.ts";
import { bsonBlock, cut, KEYS, type Shape, sortKeyOf, TABLE } from "./orders.ts";

/** Drops what earlier runs left and lets mongod write its checkpoint, so that no run pays for the one before. */
export async function settle(client: MongoClient): Promise<void> {
  const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
  const ours = databases.filter(({ name }) => !["admin", "local", "config"].includes(name));
  await Promise.all(ours.map(({ name }) => client.db(name).dropDatabase()));
  await client.db("admin").command({ fsync: 1 });
}

/** Throws unless every item is there. */
export async function mustHold(client: MongoClient, db: string, items: number): Promise<void> {
  const found = await client.db(db).collection(TABLE).countDocuments({});
  if (found !== items) throw new Error(`${db}.${TABLE} holds ${found} documents instead of ${items}`);
}

/**
 * Throws unless every item is there and the primary key's two indexes are.
 *
 * @param convert `convert.type`: with `raw` a key's value lies within its type
 */
export async function mustBeComplete(
  client: MongoClient,
  db: string,
  items: number,
  convert = "change",
): Promise<void> {
  await mustHold(client, db, items);
  const names = (await client.db(db).collection(TABLE).indexes()).map(({ name }) => name);
  const [partition, sort] =
    convert === "raw" ? [`${KEYS.partition}.S`, `${KEYS.sort}.N`] : [KEYS.partition, KEYS.sort];
  for (const name of [`${partition}_1_${sort}_1`, `${partition}_hashed`]) {
    if (!names.includes(name))
      throw new Error(`${db}.${TABLE} has no index ${name}, only ${names.join(", ")}`);
  }
}

/** Whether a few documents are byte for byte the floor's, but for the `_id`: else the two did different work. */
export async function sameAsFloor(
  client: MongoClient,
  db: string,
  items: number,
  shape: Shape,
): Promise<boolean> {
  const orders = bsonBlock(shape);
  for (const index of [0, Math.floor(items / 3), items - 1]) {
    if ((await byKey(client, db, cut(orders, index, index + 1).bytes)) !== true) return false;
  }
  return true;
}

/** Whether the document with the same key is this one, but for the `_id`; undefined: there is none. */
async function byKey(client: MongoClient, db: string, bytes: Buffer): Promise<boolean | undefined> {
  const { _id, ...expected } = BSON.deserialize(bytes, { promoteValues: false });
  const key = { [KEYS.partition]: expected[KEYS.partition], [KEYS.sort]: expected[KEYS.sort] };
  const found = await client
    .db(db)
    .collection(TABLE)
    .findOne(key, { projection: { _id: 0 }, promoteValues: false });
  return found === null ? undefined : Buffer.from(BSON.serialize(found)).equals(BSON.serialize(expected));
}

/** What a stream has led to. */
interface Applied {
  records: number;
  shape: Shape;
  mix: boolean;
  /** Items that are there in the end. */
  left: number;
}

/** Whether the last items that a stream puts are at the target; each shard has some of them. */
export async function lastAreThere(
  client: MongoClient,
  db: string,
  { records, mix }: Pick<Applied, "records" | "mix">,
  last: number,
): Promise<boolean> {
  const items: number[] = [];
  for (let at = records - 1; at >= 0 && items.length < last; at--) {
    const { event, item } = changeAt(at, mix);
    if (event === "INSERT") items.push(item);
  }
  const keys = items.map((item) => new Int32(sortKeyOf(item)));
  const found = await client
    .db(db)
    .collection(TABLE)
    .countDocuments({ [KEYS.sort]: { $in: keys } });
  return found === items.length;
}

/** Throws unless a stream's items are there, and a few that were put and modified last are as they should be. */
export async function mustBeApplied(client: MongoClient, db: string, applied: Applied): Promise<void> {
  const { records, shape, mix, left } = applied;
  await mustHold(client, db, left);
  const orders = bsonBlock(shape);
  const last = new Map<number, Change>();
  const looked = Math.min(records, 2_000);
  for (let at = records - looked; at < records; at++) {
    const change = changeAt(at, mix);
    last.set(change.item, change);
  }
  for (const event of ["INSERT", "MODIFY", "REMOVE"] as const) {
    const change = last.values().find((each) => each.event === event);
    if (change === undefined) continue;
    const found = await byKey(client, db, imageOf(orders, change));
    if (found !== (event === "REMOVE" ? undefined : true))
      throw new Error(`${db}.${TABLE} isn't as the stream has left it: item ${change.item}, ${event}`);
  }
}
