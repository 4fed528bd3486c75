/** A fast run that wrote the wrong thing is no result: what the target must hold after each run. */
import { BSON, type MongoClient } from "mongodb";
import { bsonBlock, cut, KEYS, type Shape, TABLE } from "./orders.ts";

/** Drops what earlier runs left and lets mongod write its checkpoint, so that no run pays for the one before. */
export async function settle(client: MongoClient): Promise<void> {
  const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
  const ours = databases.filter(({ name }) => !["admin", "local", "config"].includes(name));
  await Promise.all(ours.map(({ name }) => client.db(name).dropDatabase()));
  await client.db("admin").command({ fsync: 1 });
}

/** Throws unless every item is there and the primary key's two indexes are. */
export async function mustBeComplete(client: MongoClient, db: string, items: number): Promise<void> {
  const collection = client.db(db).collection(TABLE);
  const found = await collection.countDocuments({});
  if (found !== items) throw new Error(`${db}.${TABLE} holds ${found} documents instead of ${items}`);
  const names = (await collection.indexes()).map(({ name }) => name);
  for (const name of [`${KEYS.partition}_1_${KEYS.sort}_1`, `${KEYS.partition}_hashed`]) {
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
    const { _id, ...expected } = BSON.deserialize(cut(orders, index, index + 1).bytes, {
      promoteValues: false,
    });
    const key = { [KEYS.partition]: expected[KEYS.partition], [KEYS.sort]: expected[KEYS.sort] };
    const found = await client
      .db(db)
      .collection(TABLE)
      .findOne(key, { projection: { _id: 0 }, promoteValues: false });
    if (!found || !Buffer.from(BSON.serialize(found)).equals(BSON.serialize(expected))) return false;
  }
  return true;
}
