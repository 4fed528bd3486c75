/** Shards' rows in parts that are to be saved one after the other, new parents first. */
import { isOver, type ShardNote } from "./shard-note.ts";

/**
 * A save that is cut off may have saved any of its rows. A shard whose row is there without its parent's would be read at
 * once, and the parent counted as past, unread: a new row comes in a later part than that of its new parent, unless
 * that one is over. Nearly always there is one part.
 *
 * @param hasRow whether a shard's row is saved already
 */
export function* parentsFirst(
  notes: ReadonlyMap<string, ShardNote>,
  hasRow: (id: string) => boolean,
): Generator<ShardNote[]> {
  const left = new Map(notes);
  while (left.size > 0) {
    const waits = ({ id, parent }: ShardNote): boolean => {
      const before = parent === undefined ? undefined : left.get(parent);
      return before !== undefined && !isOver(before) && !hasRow(before.id) && !hasRow(id);
    };
    const all = [...left.values()];
    const part = all.filter((note) => !waits(note));
    // Of a circle, which only nonsense makes, none comes first.
    yield part.length === 0 ? all : part;
    if (part.length === 0) return;
    for (const { id } of part) left.delete(id);
  }
}
