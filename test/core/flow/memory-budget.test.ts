/** The run's budget of bytes, and the two phases under a small one. */
import { describe, expect, test } from "bun:test";
import { createShardWriter } from "../../../core/incr/shard-writer.ts";
import { createMemoryBudget, PAGE_BYTES } from "../../../core/flow/memory-budget.ts";
import type { ReadOptions } from "../../../core/plugin/roles.ts";
import { createStreamProgress } from "../../../core/progress/stream-progress.ts";
import type { Page, SegmentUnit, Unit } from "../../../core/types.ts";
import { copied, sorted, TABLE } from "../../fakes/copying.ts";
import { memoryContext, memorySource, memoryTarget, numbered, page } from "../../fakes/context.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the budget", () => {
  test("lets in what fits, the others when room is made, who holds least first", async () => {
    const budget = createMemoryBudget(() => 3 * PAGE_BYTES);
    const [one, two, three] = [budget.unit("changes"), budget.unit("changes"), budget.unit("changes")];
    const page = await one.reserve(PAGE_BYTES);
    await one.reserve(PAGE_BYTES);
    await two.reserve(PAGE_BYTES);
    expect(budget.used).toBe(3 * PAGE_BYTES);
    const order: string[] = [];
    const waiting = [
      one.reserve(PAGE_BYTES).then(() => order.push("one")),
      two.reserve(PAGE_BYTES).then(() => order.push("two")),
      three.reserve(PAGE_BYTES).then(() => order.push("three")),
    ];
    await settle();
    expect(order).toEqual([]);
    page.resize(0);
    await settle();
    expect(order).toEqual(["three"]);
    one.close();
    await waiting[0];
    three.close();
    await waiting[1];
    expect(order).toEqual(["three", "one", "two"]);
    for (const unit of [one, two, three]) unit.close();
    expect(budget.used).toBe(0);
  });

  test("leaves room for changes, however many pages wait for their turn", async () => {
    const budget = createMemoryBudget(() => 4 * PAGE_BYTES);
    const [pages, changes] = [budget.unit("pages"), budget.unit("changes")];
    for (let n = 0; n < 3; n++) await pages.reserve(PAGE_BYTES);
    let more = false;
    void pages.reserve(PAGE_BYTES).then(() => (more = true));
    const first = await changes.reserve(PAGE_BYTES);
    const second = changes.reserve(PAGE_BYTES);
    await settle();
    expect([more, budget.isTight]).toEqual([false, true]);
    first.release();
    await second;
    expect(budget.used).toBe(4 * PAGE_BYTES);
    expect(more).toBe(false);
  });

  test("counts what is held anyway, and still lets one in at a time", async () => {
    const budget = createMemoryBudget(() => PAGE_BYTES);
    const unit = budget.unit("pages");
    const writes = unit.hold(5 * PAGE_BYTES);
    const first = await unit.reserve(PAGE_BYTES);
    const second = unit.reserve(PAGE_BYTES);
    await settle();
    expect(budget.isTight).toBe(true);
    first.release();
    first.release();
    const page = await second;
    page.release();
    writes.release();
    expect([budget.used, budget.isTight]).toEqual([0, false]);
  });

  test("lets in who fits when the limit is raised while it runs", async () => {
    let limit = PAGE_BYTES;
    const budget = createMemoryBudget(() => limit);
    const unit = budget.unit("changes");
    await unit.reserve(PAGE_BYTES);
    let more = false;
    const waiting = unit.reserve(PAGE_BYTES).then(() => (more = true));
    budget.resized();
    await settle();
    expect(more).toBe(false);
    limit = 2 * PAGE_BYTES;
    budget.resized();
    await waiting;
    expect([budget.used, budget.limit]).toEqual([2 * PAGE_BYTES, limit]);
  });

  test("forgets who gives up waiting", async () => {
    const budget = createMemoryBudget(() => PAGE_BYTES);
    const unit = budget.unit("pages");
    const page = await unit.reserve(PAGE_BYTES);
    const stop = new AbortController();
    const given = unit.reserve(PAGE_BYTES, stop.signal);
    stop.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    await expect(unit.reserve(PAGE_BYTES, stop.signal)).rejects.toThrow("enough");
    page.release();
    await unit.reserve(PAGE_BYTES);
    expect(budget.used).toBe(PAGE_BYTES);
  });
});

test("many segments hold no more than the budget, and all is copied", async () => {
  let most = 0;
  let look = (): void => {};
  const segments = Array.from(
    { length: 100 },
    (_, segment) =>
      async function* (_unit: Unit, { beforeRequest }: ReadOptions): AsyncGenerator<Page> {
        for (let n = 0; n < 3; n++) {
          await beforeRequest({});
          await settle();
          yield { ...page(numbered(TABLE, 10_000 * segment + 10 * n, 10)), bytes: PAGE_BYTES };
          look();
        }
      },
  );
  const target = memoryTarget(() => settle());
  const small = { "full.document.write.batch": "7" };
  const { surplus, ctx } = await copied(memorySource(segments), target, small, (ctx) => {
    look = () => void (most = Math.max(most, ctx.memory.used));
  });
  expect(await surplus).toBe(0);
  expect(sorted(target).length).toBe(100 * 3 * 10);
  expect(most).toBeGreaterThan(ctx.memory.limit / 2);
  expect(most).toBeLessThan(ctx.memory.limit * 1.2);
  expect(ctx.memory.used).toBe(0);
});

test("segments that fail all at once end the copy, whoever waits for memory", async () => {
  const segments = Array.from(
    { length: 60 },
    (_, segment) =>
      async function* (_unit: Unit, { beforeRequest }: ReadOptions): AsyncGenerator<Page> {
        for (let n = 0; n < 3; n++) {
          await beforeRequest({});
          await settle();
          yield { ...page(numbered(TABLE, 10 * segment + n, 1)), bytes: PAGE_BYTES };
        }
      },
  );
  const { surplus, ctx } = await copied(memorySource(segments), memoryTarget(), {}, (ctx) => {
    ctx.hook("convert:before", () => {
      throw new Error("item.status is undefined");
    });
  });
  await expect(surplus).rejects.toMatchObject({ code: "HOOK_FAILED" });
  expect(ctx.memory.used).toBe(0);
});

test("a segment that waits for its next page keeps none", async () => {
  const many = 100;
  const given: WeakRef<Page>[] = [];
  const waiting = Promise.withResolvers<void>();
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = many;
  /** No generator, which may keep what it gave. */
  function read({ segment }: SegmentUnit): AsyncIterableIterator<Page> {
    let n = 0;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        if (n === 3) {
          if (--left === 0) waiting.resolve();
          await promise;
          return { done: true, value: undefined };
        }
        const value = page(numbered(TABLE, 10 * segment + n++, 1));
        given.push(new WeakRef(value));
        return { done: false, value };
      },
    };
  }
  const source = { ...memorySource(Array.from({ length: many }, () => () => [])), read };
  const { surplus } = await copied(source, memoryTarget());
  await waiting.promise;
  // A collector that looks for addresses on the stack spares some.
  for (let tries = 0; tries < 20 && given.filter((ref) => ref.deref()).length > many / 4; tries++) {
    await settle();
    Bun.gc(true);
  }
  expect(given.length).toBe(3 * many);
  expect(given.filter((ref) => ref.deref()).length).toBeLessThanOrEqual(many / 4);
  resolve();
  expect(await surplus).toBe(0);
});

test("many shards with much to apply hold no more than the budget, and all of it is applied", async () => {
  const ctx = await memoryContext(memorySource([]), {
    ...memoryTarget(),
    apply: async ({ records }) => {
      await settle();
      return { inserted: records.length, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
    },
  });
  let most = 0;
  const progress = createStreamProgress();
  await Promise.all(
    Array.from({ length: 100 }, async (_, shard) => {
      const unit = { phase: "incr", table: TABLE, shard: String(shard) } as const;
      const changes = createShardWriter({ ctx, unit, progress, onReached: () => {} });
      for (let n = 0; n < 5; n++) {
        await changes.room();
        const [record] = numbered(TABLE, n, 1);
        const records = [{ ...record!, sequenceNumber: String(n) }];
        await changes.add({ records, bytes: PAGE_BYTES, tip: false, ended: false, sentAt: 0 });
        most = Math.max(most, ctx.memory.used);
      }
      await changes.drain();
      await changes.settled();
    }),
  );
  expect(progress.written).toBe(500);
  expect(most).toBeLessThanOrEqual(ctx.memory.limit);
  expect(ctx.memory.used).toBe(0);
});
