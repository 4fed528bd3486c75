/** A table's stream whose shards are noted, and the shards that turn up. */
import type { TableStream } from "./follow-shard.ts";
import type { ShardReader } from "./roles.ts";
import type { ShardTree } from "./shards.ts";
import type { Shard } from "./types.ts";

/** See the top of the file. */
export interface OpenStream extends TableStream {
  /** Which shard may start when. */
  tree: ShardTree;
  /** Readers that stand at their shards' positions already, by shard. */
  readers: Map<string, ShardReader>;
}

/** Notes the shards that were never seen: they are read from their first record. */
export function noteShards({ tree, checkpoint }: OpenStream, shards: Shard[]): void {
  const parents = new Map(shards.map(({ id, parent }) => [id, parent]));
  for (const id of tree.list(shards)) {
    const parent = parents.get(id);
    checkpoint.note({
      id,
      ...(parent !== undefined && { parent }),
      status: "waiting",
      position: { at: "horizon" },
      notedAt: Date.now(),
    });
  }
}
