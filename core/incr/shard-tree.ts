/**
 * The shards of one table's stream and which of them may be read: a shard's records come before its children's.
 * Nothing here waits, asks or knows the time.
 */
import type { Shard } from "../types.ts";
import { isOver, type ShardNote, type ShardStatus } from "../checkpoint/shard-note.ts";

/** What counts of a shard here. Its status may be ahead of the one that is noted. */
export type ShardNode = Pick<ShardNote, "id" | "parent" | "status">;

/** See the top of the file. */
export interface ShardTree {
  /**
   * Takes the shards that are there when the following is prepared: those that are closed are past, with all
   * that came before them.
   */
  begin(shards: Shard[]): void;
  /**
   * Takes a listing made later, in any order and perhaps with holes. A shard that turns up as the parent of one
   * known from the beginning is past.
   *
   * @returns the shards never seen before, to be read from their first record; and orphans, which aren't taken: their
   * parents were never seen, so either the listing has a hole or records were missed
   */
  list(shards: Shard[]): { found: string[]; orphans: Shard[] };
  /** The shards that may start now, in the order in which they were found. */
  ready(): string[];
  /** A shard's reading begins. */
  start(id: string): void;
  /** A shard is read to its end, and all of it is applied. */
  finish(id: string): void;
  /** Every shard known. */
  nodes(): IterableIterator<Readonly<ShardNode>>;
}

/**
 * Makes a tree.
 *
 * @param known what an earlier process knew; what ran then is to be started again
 */
export function createShardTree(known: Iterable<ShardNode> = []): ShardTree {
  const nodes = new Map<string, ShardNode>();
  /** The shards that wait, by the parent they wait for; undefined: for nobody. */
  const waiting = new Map<string | undefined, Set<string>>();
  /** The parents of the nodes; one that isn't a node itself is past. */
  const parents = new Set<string>();

  add(known, (shard) => (isOver(shard) ? shard.status : "waiting"));

  /** The parent that has to be finished before a shard may start. */
  function blocker({ id, parent }: ShardNode): string | undefined {
    const node = parent === undefined ? undefined : nodes.get(parent);
    if (node === undefined || isOver(node) || inCircle(id)) return undefined;
    return node.id;
  }

  /** Whether a shard is its own ancestor, which only nonsense says. */
  function inCircle(id: string): boolean {
    const seen = new Set<string>();
    for (let at = nodes.get(id)?.parent; at !== undefined && !seen.has(at); at = nodes.get(at)?.parent) {
      if (at === id) return true;
      seen.add(at);
    }
    return false;
  }

  function queue(node: ShardNode): void {
    if (node.status !== "waiting") return;
    const by = blocker(node);
    const queued = waiting.get(by);
    if (queued === undefined) waiting.set(by, new Set([node.id]));
    else queued.add(node.id);
  }

  function add<S extends Omit<ShardNode, "status">>(
    shards: Iterable<S>,
    statusOf: (shard: S) => ShardStatus,
  ): void {
    const fresh: ShardNode[] = [];
    for (const shard of shards) {
      const { id, parent } = shard;
      if (nodes.has(id)) continue;
      const node: ShardNode = { id, ...(parent !== undefined && { parent }), status: statusOf(shard) };
      nodes.set(id, node);
      if (parent !== undefined) parents.add(parent);
      fresh.push(node);
    }
    // A listing may name a child before its parent.
    for (const node of fresh) queue(node);
  }

  /** The new ones of a listing: ancestors of known shards, shards whose ancestors are known, and the others. */
  function sortNew(shards: Shard[]): { past: Set<Shard>; found: Set<Shard>; orphans: Shard[] } {
    const fresh = new Map(shards.filter(({ id }) => !nodes.has(id)).map((shard) => [shard.id, shard]));
    const parentOf = ({ parent }: Shard): Shard | undefined =>
      parent === undefined ? undefined : fresh.get(parent);
    const past = new Set<Shard>();
    for (const id of parents) {
      for (let at = fresh.get(id); at !== undefined && !past.has(at); at = parentOf(at)) past.add(at);
    }
    const children = Map.groupBy(fresh.values(), parentOf);
    const isRoot = ({ parent }: Shard): boolean =>
      parent === undefined || nodes.has(parent) || parents.has(parent);
    const found = new Set(
      (children.get(undefined) ?? []).filter((shard) => isRoot(shard) && !past.has(shard)),
    );
    for (const shard of past)
      for (const child of children.get(shard) ?? []) if (!past.has(child)) found.add(child);
    for (const shard of found) for (const child of children.get(shard) ?? []) found.add(child);
    const orphans = [...fresh.values()].filter((shard) => !past.has(shard) && !found.has(shard));
    return { past, found, orphans };
  }

  function nodeIn(id: string, status: ShardStatus): ShardNode {
    const node = nodes.get(id);
    if (node?.status !== status)
      throw new Error(`shard ${id} is ${node?.status ?? "unknown"}, not ${status}`);
    return node;
  }

  return {
    begin: (shards) => void add(shards, ({ last }) => (last === undefined ? "waiting" : "skipped")),
    list(shards) {
      const { past, found, orphans } = sortNew(shards);
      add(past, () => "skipped");
      add(found, () => "waiting");
      return { found: [...found].map(({ id }) => id), orphans };
    },
    ready: () => [...(waiting.get(undefined) ?? [])],
    start(id) {
      const node = nodeIn(id, "waiting");
      const by = blocker(node);
      if (by !== undefined) throw new Error(`shard ${id} can't start before its parent ${by} is finished`);
      waiting.get(undefined)!.delete(id);
      node.status = "running";
    },
    finish(id) {
      nodeIn(id, "running").status = "done";
      const children = waiting.get(id);
      waiting.delete(id);
      for (const child of children ?? []) queue(nodes.get(child)!);
    },
    nodes: () => nodes.values(),
  };
}
