import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createShardTree, type ShardNode, type ShardTree } from "../../core/shards.ts";
import type { Shard } from "../../core/types.ts";

const ids = (tree: ShardTree): ShardNode[] => [...tree.nodes()].map((node) => ({ ...node }));

/** A lineage: each shard's parent is an earlier one, or one that was never listed. */
const lineage = fc
  .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 25 })
  .map((parents) =>
    parents.map(([seed, root], i): Shard => ({
      id: `s${i}`,
      ...(root === 0 ? { parent: "gone" } : i > 0 && root > 2 ? { parent: `s${seed % i}` } : {}),
    })),
  );

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
      fc.property(lineage, fc.array(step, { maxLength: 120 }), (shards, steps) => {
        const parentOf = new Map(shards.map(({ id, parent }) => [id, parent]));
        let tree = createShardTree();
        const finished = new Set<string>();
        let running = new Set<string>();
        const listed = new Set<string>();

        const start = (id: string): void => {
          expect(finished.has(id) || running.has(id)).toBe(false);
          const parent = parentOf.get(id);
          // who isn't known can't hold anybody up
          if (parent !== undefined && listed.has(parent)) expect([...finished]).toContain(parent);
          tree.start(id);
          running.add(id);
        };
        const finish = (id: string): void => {
          tree.finish(id);
          running.delete(id);
          finished.add(id);
        };

        for (const each of steps) {
          if (each.kind === "list") {
            // a shard's lineage is listed with it: only what is long gone is missing
            const some = each.some.map((at) => shards[at % shards.length]!);
            const whole = some.flatMap((shard) => {
              const line = [shard];
              for (let at = shard; at.parent?.startsWith("s"); line.push(at))
                at = shards[Number(at.parent.slice(1))]!;
              return line;
            });
            const fresh = tree.list(whole);
            expect(fresh.toSorted()).toEqual(
              [...new Set(whole.map(({ id }) => id))].filter((id) => !listed.has(id)).toSorted(),
            );
            for (const { id } of whole) listed.add(id);
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
        for (const { id } of shards) listed.add(id);
        for (let left = true; left;) {
          for (const id of running) finish(id);
          const ready = tree.ready();
          for (const id of ready) start(id);
          left = ready.length > 0;
        }
        expect([...finished].toSorted()).toEqual(shards.map(({ id }) => id).toSorted());
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
    ).toEqual(["d"]);
    expect(tree.ready().toSorted()).toEqual(["b", "c"]);
    tree.start("c");
    tree.finish("c");
    expect(tree.ready().toSorted()).toEqual(["b", "d"]);
  });

  test("a shard that is its own ancestor holds nobody up", () => {
    const tree = createShardTree();
    tree.list([
      { id: "a", parent: "b" },
      { id: "b", parent: "a" },
      { id: "c", parent: "c" },
    ]);
    expect(tree.ready().toSorted()).toEqual(["a", "b", "c"]);
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
