/** A table's shards as a tree: parents, then the children that came of them. */
import type { ShardStatus, StreamStatus } from "../../core/progress/run-status.ts";
import { arrange, make, setAttribute, setText } from "./dom.ts";
import { BEHIND, count, duration, type Kind } from "./words.ts";

/** So many are shown before somebody asks for all. */
const FEW = 50;

interface Node {
  id: string;
  /** Undefined: it is over, or is to be followed next. */
  shard?: ShardStatus;
  isWaiting: boolean;
  children: Node[];
}

interface Row {
  element: HTMLLIElement;
  mark: HTMLElement;
  facts: HTMLElement;
  list: HTMLUListElement;
}

/** A tree, made when a table is opened. */
export function createShards(): { element: HTMLElement; show(stream: StreamStatus): void } {
  const heading = make("h3", {}, "Shards");
  const list = make("ul", { class: "tree" });
  const button = make("button", { type: "button" });
  const element = make("section", { class: "shards" }, heading, list, button);
  const rows = new Map<string, Row>();
  let isWhole = false;
  let last: StreamStatus | undefined;
  button.addEventListener("click", () => {
    isWhole = true;
    if (last !== undefined) show(last);
  });
  return { element, show };

  function show(stream: StreamStatus): void {
    last = stream;
    setText(heading, summary(stream));
    const left = { most: isWhole ? Number.POSITIVE_INFINITY : FEW };
    const used = new Set<string>();
    arrange(list, showNodes(growTree(stream), left, used));
    for (const id of rows.keys()) if (!used.has(id)) rows.delete(id);
    const all = stream.shards.length + stream.waiting.length;
    button.hidden = isWhole || left.most > 0;
    setText(button, `Show all ${count(all, "shard")}`);
  }

  function showNodes(nodes: readonly Node[], left: { most: number }, used: Set<string>): Element[] {
    const shown: Element[] = [];
    for (const node of nodes) {
      if (left.most <= 0) break;
      left.most--;
      used.add(node.id);
      const row = rows.get(node.id) ?? makeRow(node.id);
      rows.set(node.id, row);
      const { text, kind } = stateOf(node);
      setText(row.mark, text);
      setAttribute(row.mark, "data-kind", kind);
      setText(row.facts, factsOf(node));
      arrange(row.list, showNodes(node.children, left, used));
      row.list.hidden = row.list.children.length === 0;
      shown.push(row.element);
    }
    return shown;
  }
}

function makeRow(id: string): Row {
  const mark = make("span", { class: "mark" });
  const facts = make("span", { class: "faint" });
  const list = make("ul");
  const line = make("div", { class: "shard" }, make("code", {}, id), mark, facts);
  return { element: make("li", {}, line, list), mark, facts, list };
}

/** A parent that is over is known by its children only. */
function growTree({ shards, waiting }: StreamStatus): Node[] {
  const nodes = new Map<string, Node>();
  for (const shard of shards) nodes.set(shard.id, { id: shard.id, shard, isWaiting: false, children: [] });
  for (const id of waiting) if (!nodes.has(id)) nodes.set(id, { id, isWaiting: true, children: [] });
  const children = new Set<string>();
  for (const { id, parent } of shards) {
    if (parent === null || parent === id) continue;
    const above = nodes.get(parent) ?? { id: parent, isWaiting: false, children: [] };
    nodes.set(parent, above);
    above.children.push(nodes.get(id)!);
    children.add(id);
  }
  const roots = [...nodes.values()].filter(({ id }) => !children.has(id));
  return sorted(roots);
}

function sorted(nodes: Node[]): Node[] {
  for (const { children } of nodes) sorted(children);
  return nodes.sort((a, b) => rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1));
}

/** What is behind comes first, with its parent. */
function rankOf(node: Node): number {
  const own = node.isWaiting ? 1 : node.shard === undefined ? 3 : stateOf(node).kind === "good" ? 2 : 0;
  return Math.min(own, ...node.children.map(rankOf));
}

function stateOf({ shard, isWaiting }: Node): { text: string; kind: Kind } {
  if (isWaiting) return { text: "next, or its children are looked for", kind: "wait" };
  if (shard === undefined) return { text: "over", kind: "wait" };
  const { lagSeconds } = shard;
  if (lagSeconds === null) return { text: "catching up", kind: "busy" };
  if (lagSeconds > BEHIND) return { text: `${duration(lagSeconds)} behind`, kind: "warn" };
  return { text: `at its tip, ${duration(lagSeconds)}`, kind: "good" };
}

function factsOf({ shard }: Node): string {
  if (shard === undefined) return "";
  const { recordAgeSeconds, savedAt } = shard;
  const age = recordAgeSeconds === null ? "no record yet" : `last record ${duration(recordAgeSeconds)} old`;
  return savedAt === null ? age : `${age}, saved ${savedAt.slice(11, 19)} UTC`;
}

function summary({ shards, waiting }: StreamStatus): string {
  const late = shards.filter(({ lagSeconds }) => lagSeconds === null || lagSeconds > BEHIND).length;
  const parts = [count(shards.length, "shard"), `${shards.length - late} at their tip`];
  if (late > 0) parts.push(`${late} behind`);
  if (waiting.length > 0) parts.push(`${waiting.length} to come`);
  return parts.join(", ");
}
