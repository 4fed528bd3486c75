/** Parents before children, whatever is listed and whenever the process ends. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createShardTree, type ShardNode, type ShardTree } from "../../../core/incr/shard-tree.ts";
import type { Shard } from "../../../core/types.ts";

const ids = (tree: ShardTree): ShardNode[] => [...tree.nodes()].map((node) => ({ ...node }));

/** A lineage: each shard's parent is an earlier one; those there at the beginning may follow one long gone. */
const lineage = fc
  .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 25 })
  .map((parents) =>
    parents.map(([seed, root], i): Shard => ({
      id: `s${i}`,
      ...(root === 0 && i < 3 ? { parent: "gone" } : i > 0 && root > 2 ? { parent: `s${seed % i}` } : {}),
    })),
  );

/** The first three of a lineage as they are listed at the beginning, one of them perhaps not. */
function beginning(shards: Shard[], hole: number): Shard[] {
  const first = shards.slice(0, 3);
  const parents = new Set(first.map(({ parent }) => parent));
  return first
    .map((shard) => (parents.has(shard.id) ? { ...shard, last: "9" } : shard))
    .filter(({ parent }, i) => i !== hole || parent === "gone" || first.length === 1);
}

/** What may happen next: a listing of some shards in some order, a start, an end, a crash. */
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("list" as const), some: fc.array(fc.nat(), { maxLength: 30 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("start" as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("finish" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const) }) },
);

describe("the shard tree", () => {
  test("starts no child early, forgets none, and reads none again that was finished", () => {
    fc.assert(
      fc.property(lineage, fc.array(step, { maxLength: 120 }), fc.nat(4), (shards, steps, hole) => {
        const parentOf = new Map(shards.map(({ id, parent }) => [id, parent]));
        let tree = createShardTree();
        const finished = new Set<string>();
        let running = new Set<string>();
        const known = new Set<string>();

        const start = (id: string): void => {
          expect(finished.has(id) || running.has(id)).toBe(false);
          const parent = parentOf.get(id);
          // who was past at the beginning holds nobody up
          if (parent !== undefined && !past.has(parent)) expect([...finished]).toContain(parent);
          tree.start(id);
          running.add(id);
        };
        const finish = (id: string): void => {
          tree.finish(id);
          running.delete(id);
          finished.add(id);
        };

        const begun = beginning(shards, hole);
        tree.begin(begun);
        /** Who is past: what was closed at the beginning, and the ancestors of what was there. */
        const past = new Set<string>();
        for (const { id, last } of begun) {
          if (last !== undefined) past.add(id);
          for (let at = parentOf.get(id); at !== undefined; at = parentOf.get(at)) past.add(at);
        }
        for (const { id } of begun) known.add(id);

        for (const each of steps) {
          if (each.kind === "list") {
            // any shard may be missing: nothing is begun whose ancestors aren't known
            const some = new Set(each.some.map((at) => shards[at % shards.length]!));
            const listed = new Set([...some].map(({ id }) => id));
            const { found, orphans } = tree.list([...some]);
            for (const id of found) expect(known.has(id) || past.has(id)).toBe(false);
            for (const id of listed) if (past.has(id)) known.add(id);
            for (const id of found) known.add(id);
            for (const id of found) {
              const parent = parentOf.get(id);
              expect(parent === undefined || known.has(parent) || past.has(parent)).toBe(true);
            }
            for (const { id } of orphans) expect(known.has(id)).toBe(false);
            for (const id of listed)
              expect(known.has(id) || orphans.some((orphan) => orphan.id === id)).toBe(true);
          } else if (each.kind === "start") {
            const ready = tree.ready();
            if (ready.length > 0) start(ready[each.which % ready.length]!);
          } else if (each.kind === "finish") {
            const some = [...running];
            if (some.length > 0) finish(some[each.which % some.length]!);
          } else {
            tree = createShardTree(ids(tree));
            running = new Set();
          }
        }
        // in the end all of them are read
        tree.list(shards);
        for (let left = true; left;) {
          for (const id of running) finish(id);
          const ready = tree.ready();
          for (const id of ready) start(id);
          left = ready.length > 0;
        }
        const unread = shards.map(({ id }) => id).filter((id) => !finished.has(id));
        expect(unread.toSorted()).toEqual([...past].filter((id) => id !== "gone").toSorted());
      }),
      { numRuns: 500 },
    );
  });

  test("what is closed when the following is prepared is past, its open children are not", () => {
    const tree = createShardTree();
    tree.begin([{ id: "b", parent: "a" }, { id: "a", last: "9" }, { id: "c" }]);
    expect(tree.ready().toSorted()).toEqual(["b", "c"]);
    expect(
      tree.list([
        { id: "a", last: "9" },
        { id: "d", parent: "c" },
      ]),
    ).toEqual({ found: ["d"], orphans: [] });
    expect(tree.ready().toSorted()).toEqual(["b", "c"]);
    tree.start("c");
    tree.finish("c");
    expect(tree.ready().toSorted()).toEqual(["b", "d"]);
  });

  test("a shard that is its own ancestor holds nobody up", () => {
    const tree = createShardTree();
    tree.begin([
      { id: "a", parent: "b" },
      { id: "b", parent: "a" },
      { id: "c", parent: "c" },
    ]);
    expect(tree.ready().toSorted()).toEqual(["a", "b", "c"]);
  });

  test("a parent that was hidden at the beginning is past, with all before it; its other children are not", () => {
    const tree = createShardTree();
    tree.begin([{ id: "c", parent: "b" }]);
    const later = tree.list([
      { id: "a" },
      { id: "b", parent: "a" },
      { id: "d", parent: "b" },
      { id: "e", parent: "a" },
    ]);
    expect(later).toEqual({ found: ["d", "e"], orphans: [] });
    expect(tree.ready().toSorted()).toEqual(["c", "d", "e"]);
  });

  test("an orphan waits until its parent shows up", () => {
    const tree = createShardTree();
    tree.begin([{ id: "a" }]);
    const c = { id: "c", parent: "b" };
    expect(tree.list([c])).toEqual({ found: [], orphans: [c] });
    expect(tree.ready()).toEqual(["a"]);
    expect(tree.list([c, { id: "b", parent: "a" }])).toEqual({ found: ["b", "c"], orphans: [] });
    expect(tree.ready()).toEqual(["a"]);
  });

  test("steps out of order are a defect", () => {
    const tree = createShardTree();
    tree.list([{ id: "a" }, { id: "b", parent: "a" }]);
    expect(() => tree.start("b")).toThrow("before its parent a");
    expect(() => tree.finish("a")).toThrow("a is waiting");
    expect(() => tree.start("x")).toThrow("x is unknown");
  });

  test("thousands of shards are no burden", () => {
    const tree = createShardTree();
    const many = Array.from({ length: 20_000 }, (_, n): Shard => ({
      id: `s${n}`,
      ...(n >= 5000 && { parent: `s${n - 5000}` }),
    }));
    const from = performance.now();
    tree.list(many);
    for (let round = 0; round < 4; round++) {
      for (const id of tree.ready()) {
        tree.start(id);
        tree.finish(id);
      }
    }
    expect(tree.ready()).toEqual([]);
    // a square of them would take minutes
    expect(performance.now() - from).toBeLessThan(5000);
  });
});
