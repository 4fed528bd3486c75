/** Shards that are over and done with: their rows needn't be kept. */
import { isOver, type ShardNote } from "../checkpoint/shard-note.ts";
import type { Shard } from "../types.ts";

/** A listing may have holes: who is missing in so many is gone. */
const LISTINGS = 3;

/**
 * Watches the listings of a stream.
 *
 * @returns to be called with each; gives the shards that are over, whose children are noted, and which aren't listed
 * any more, older ones first
 */
export function watchFinished(notes: ReadonlyMap<string, ShardNote>): (listed: Shard[]) => string[] {
  const missing = new Map<string, number>();

  return (listed) => {
    const there = new Set(listed.map(({ id }) => id));
    const parents = new Set([...notes.values()].map(({ parent }) => parent));
    const over = new Set<string>();
    for (const note of notes.values()) {
      const { id } = note;
      if (!isOver(note) || there.has(id) || !parents.has(id)) missing.delete(id);
      else missing.set(id, (missing.get(id) ?? 0) + 1);
      if ((missing.get(id) ?? 0) >= LISTINGS) over.add(id);
    }
    // That a shard has a child is known from the child's row only: a row goes with its parent's, or after it.
    const gone = [...over].filter((id) => {
      const seen = new Set<string>();
      let at: string | undefined = id;
      for (; at !== undefined && over.has(at) && !seen.has(at); at = notes.get(at)!.parent) seen.add(at);
      return at === undefined || !notes.has(at);
    });
    for (const id of gone) missing.delete(id);
    return gone;
  };
}
