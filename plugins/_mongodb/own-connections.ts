/** Whether a server still has connections of one's own user: no right is needed to ask for those. */
import type { Document, MongoClient } from "mongodb";

/**
 * Asks it.
 *
 * @param matches which of them, by what `$currentOp` says of each
 * @throws Error what the server or the driver says, or the signal's reason
 */
export async function hasConnections(
  client: MongoClient,
  isMongos: boolean,
  matches: Document,
  signal: AbortSignal,
): Promise<boolean> {
  // What a mongos has is told by itself only.
  const whose = {
    $currentOp: { allUsers: false, idleConnections: true, ...(isMongos && { localOps: true }) },
  };
  const pipeline = [whose, { $match: matches }, { $limit: 1 }];
  const { cursor } = await client.db("admin").command({ aggregate: 1, pipeline, cursor: {} }, { signal });
  return cursor.firstBatch.length > 0;
}
