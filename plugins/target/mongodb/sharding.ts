/** Sharded collections: by the hash of the partition key, in chunks made before the data comes. */
import type { Db, Document } from "mongodb";
import { MigrationError } from "../../../core/errors.ts";
import type { Table, TargetIndex } from "../../../core/types.ts";
import { hasCode, isEmpty } from "./collections.ts";

/** What the server itself aims at. */
const CHUNK_BYTES = 128 * 1024 * 1024;
/** More would take the server long, and is more than it allows on one shard. */
const MOST_CHUNKS = 8192;
/** What the server makes of itself, at most, see the manual's shardCollection. */
const CHUNKS_PER_SHARD = 2;

const UNAUTHORIZED = 13;
const ALREADY_INITIALIZED = 23;

/**
 * Refuses what is no mongos.
 *
 * @throws MigrationError CONFIG_INVALID
 */
export function requireMongos(isMongos: boolean): void {
  if (isMongos) return;
  throw new MigrationError(
    "CONFIG_INVALID",
    "target.mongodb.type = sharding but target.address is no mongos",
    { hint: "set target.mongodb.type = replica, or let target.address name a mongos of the cluster" },
  );
}

/**
 * Shards a table's collection by its partition key; one that is sharded so already is left as it is.
 *
 * @param path the partition key's field path
 * @throws MigrationError TARGET_DENIED
 */
export async function shardCollection(db: Db, { targetName, sizeBytes }: Table, path: string): Promise<void> {
  const admin = db.admin();
  try {
    await admin.command({ enableSharding: db.databaseName }).catch((error: unknown) => {
      // Before 4.4 the second time is an error.
      if (!hasCode(error, ALREADY_INITIALIZED)) throw error;
    });
    await admin.command({
      shardCollection: `${db.databaseName}.${targetName}`,
      // A Map, because the driver would read a field called _bsontype as an instruction.
      key: new Map([[path, "hashed"]]),
      ...((await isEmpty(db, targetName)) && initialChunks(sizeBytes, await countShards(db))),
    });
  } catch (error) {
    if (!hasCode(error, UNAUTHORIZED)) throw error;
    throw new MigrationError("TARGET_DENIED", `${(error as Error).message}: sharding ${targetName}`, {
      cause: error,
      hint: "grant the user clusterManager, or the action enableSharding on the target database",
    });
  }
}

/**
 * How many chunks to begin with: one for each 128 MB the table has at the source.
 *
 * @param shards undefined: not known
 * @returns the command's field; none where the server's own choice is as many
 */
export function initialChunks(sizeBytes: number, shards: number | undefined): Document {
  const chunks = Math.min(MOST_CHUNKS, Math.ceil(sizeBytes / CHUNK_BYTES));
  // Fewer than the server's own would leave shards without any until the balancer comes round.
  return shards !== undefined && chunks > shards * CHUNKS_PER_SHARD ? { numInitialChunks: chunks } : {};
}

/** The cluster's shards; undefined for who may not ask. */
async function countShards(db: Db): Promise<number | undefined> {
  try {
    const { shards } = await db.admin().command({ listShards: 1 });
    return (shards as unknown[]).length;
  } catch (error) {
    if (hasCode(error, UNAUTHORIZED)) return undefined;
    throw error;
  }
}

/**
 * What can be built on a sharded collection of a table's indexes: a unique one would have to begin with the
 * shard key, which can't be where that is hashed. The `_id` guards the key there.
 */
export function withoutUnique(indexes: TargetIndex[]): TargetIndex[] {
  return indexes.map((index) => (index.origin === "primary" ? { ...index, unique: false } : index));
}
