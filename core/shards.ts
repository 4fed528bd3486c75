/**
 * The shards of one table's stream and which of them may be read: a shard's records come before its children's.
 * Nothing here waits, asks or knows the time.
 */
import type { Shard } from "./types.ts";

/** Waiting: not begun in this process. Skipped: it was closed before the following began. */
export type ShardStatus = "waiting" | "running" | "done" | "skipped";

/** A shard in its tree. */
export interface ShardNode {
  id: string;
  /** The shard it follows; one that nobody knows is long gone, and holds nothing up. */
  parent?: string;
  status: ShardStatus;
}

/** See the top of the file. */
export interface ShardTree {
  /**
   * Takes the shards that are there when the following is prepared: those that are closed are past, with all
   * that came before them.
   */
  begin(shards: Shard[]): void;
  /**
   * Takes a listing made later, in any order and perhaps with holes.
   *
   * @returns the shards never seen before; they are to be read from their first record
   */
  list(shards: Shard[]): string[];
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

  for (const { id, parent, status } of known) {
    nodes.set(id, {
      id,
      ...(parent !== undefined && { parent }),
      status: isOver(status) ? status : "waiting",
    });
  }
  for (const node of nodes.values()) queue(node);

  /** The parent that has to be finished before a shard may start. */
  function blocker({ id, parent }: ShardNode): string | undefined {
    const node = parent === undefined ? undefined : nodes.get(parent);
    if (node === undefined || isOver(node.status) || inCircle(id)) return undefined;
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

  function add(shards: Shard[], statusOf: (shard: Shard) => ShardStatus): string[] {
    const fresh: ShardNode[] = [];
    for (const shard of shards) {
      const { id, parent } = shard;
      if (nodes.has(id)) continue;
      const node: ShardNode = { id, ...(parent !== undefined && { parent }), status: statusOf(shard) };
      nodes.set(id, node);
      fresh.push(node);
    }
    // A listing may name a child before its parent.
    for (const node of fresh) queue(node);
    return fresh.map(({ id }) => id);
  }

  function nodeIn(id: string, status: ShardStatus): ShardNode {
    const node = nodes.get(id);
    if (node?.status !== status)
      throw new Error(`shard ${id} is ${node?.status ?? "unknown"}, not ${status}`);
    return node;
  }

  return {
    begin: (shards) => void add(shards, ({ last }) => (last === undefined ? "waiting" : "skipped")),
    list: (shards) => add(shards, () => "waiting"),
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

const isOver = (status: ShardStatus): boolean => status === "done" || status === "skipped";
