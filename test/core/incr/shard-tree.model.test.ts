/** The shards of a stream under commands in any order: splits, listings with holes, starts, ends, saves, and crashes. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createShardTree, type ShardNode, type ShardTree } from "../../../core/incr/shard-tree.ts";
import type { Shard } from "../../../core/types.ts";
import { runs } from "../../model/runs.ts";

interface Model {
  /** All there are; the first is there from the beginning. */
  shards: Shard[];
  /** Read to their ends. */
  read: Set<string>;
  running: Set<string>;
  /** What is saved. */
  saved: ShardNode[];
}

interface Real {
  tree: ShardTree;
}

type Step = fc.Command<Model, Real>;

const split = fc.record({ which: fc.nat(9), children: fc.integer({ min: 1, max: 2 }) }).map((how): Step => ({
  check: () => true,
  run({ shards }) {
    const open = shards.filter(({ last }) => last === undefined);
    const parent = open[how.which % open.length]!;
    parent.last = "9";
    for (let n = 0; n < how.children; n++) shards.push({ id: `s${shards.length}`, parent: parent.id });
  },
  toString: () => `split(${how.which}, ${how.children})`,
}));

const list = fc.record({ holes: fc.nat(), reversed: fc.boolean() }).map(({ holes, reversed }): Step => ({
  check: () => true,
  run({ shards }, { tree }) {
    const known = new Set([...tree.nodes()].map(({ id }) => id));
    const listed = shards.filter((_, i) => ((holes >> (i % 30)) & 1) === 0);
    const { found, orphans } = tree.list(reversed ? listed.toReversed() : listed);
    const parents = new Map(shards.map(({ id, parent }) => [id, parent]));
    for (const id of found) {
      expect(known.has(id)).toBe(false);
      const parent = parents.get(id)!;
      expect(known.has(parent) || found.includes(parent)).toBe(true);
    }
    // Each is known, found or an orphan; one whose ancestors aren't all known is never found.
    const all = [...known, ...found, ...orphans.map(({ id }) => id)];
    for (const { id } of listed) expect(all.filter((each) => each === id)).toHaveLength(1);
  },
  toString: () => `list(${holes}, ${reversed})`,
}));

const start = fc.nat(9).map((which): Step => ({
  check: () => true,
  run({ shards, read, running }, { tree }) {
    const ready = tree.ready();
    for (const id of ready) {
      expect(read.has(id) || running.has(id)).toBe(false);
      const parent = shards.find((each) => each.id === id)!.parent;
      expect(parent === undefined || read.has(parent)).toBe(true);
    }
    // None that is known and may be read is forgotten.
    const waits = [...tree.nodes()].filter(({ id, parent }) => {
      return !read.has(id) && !running.has(id) && (parent === undefined || read.has(parent));
    });
    expect(ready.toSorted()).toEqual(waits.map(({ id }) => id).toSorted());
    const id = ready[which % Math.max(ready.length, 1)];
    if (id === undefined) return;
    tree.start(id);
    running.add(id);
  },
  toString: () => `start(${which})`,
}));

const save = (model: Model, { tree }: Real): void =>
  void (model.saved = [...tree.nodes()].map((node) => ({ ...node })));

const finish = fc.nat(9).map((which): Step => ({
  check: ({ running }) => running.size > 0,
  run(model, real) {
    const { shards, read, running } = model;
    const closed = [...running].filter((id) => shards.find((each) => each.id === id)!.last !== undefined);
    const id = closed[which % Math.max(closed.length, 1)];
    if (id === undefined) return;
    running.delete(id);
    read.add(id);
    real.tree.finish(id);
    // Before its children begin, as core/incr/follow-shard.ts does.
    save(model, real);
  },
  toString: () => `finish(${which})`,
}));

const saves = fc.constant<Step>({ check: () => true, run: save, toString: () => "save" });

const crash = fc.constant<Step>({
  check: () => true,
  run(model, real) {
    real.tree = createShardTree(model.saved);
    model.running.clear();
  },
  toString: () => "crash",
});

test("a shard is read when its parent is, once, and none is forgotten, whatever is listed and cut off", () => {
  fc.assert(
    fc.property(fc.commands([split, list, start, finish, saves, crash], { size: "+1" }), (steps) => {
      const tree = createShardTree();
      const first: Shard = { id: "s0" };
      tree.begin([first]);
      const model: Model = { shards: [first], read: new Set(), running: new Set(), saved: [] };
      const real: Real = { tree };
      save(model, real);
      fc.modelRun(() => ({ model, real }), steps);
      // Listed whole, and followed to the end, all are read.
      real.tree.list(model.shards);
      for (let left = [...model.running, ...real.tree.ready()]; left.length > 0; left = real.tree.ready()) {
        for (const id of left) {
          if (!model.running.delete(id)) real.tree.start(id);
          real.tree.finish(id);
          model.read.add(id);
        }
      }
      expect(model.shards.filter(({ id }) => !model.read.has(id))).toEqual([]);
    }),
    runs(500),
  );
});
