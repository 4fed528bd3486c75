/** Work on many inputs, so many at once. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { inParallel } from "../../../core/flow/parallel.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("inParallel", () => {
  test("gives results in the inputs' order and keeps to the width", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 20 }),
      fc.integer({ min: 1, max: 6 }),
      async (waits, width) => {
        let running = 0;
        let most = 0;
        const results = await inParallel(waits.entries(), width, async ([i, wait]) => {
          most = Math.max(most, ++running);
          for (let n = 0; n < wait; n++) await turn();
          running--;
          return i;
        });
        expect(results).toEqual(waits.map((_, i) => i));
        expect(most).toBeLessThanOrEqual(width);
        // the first step of each is synchronous, so the width is reached whenever there is enough to do
        if (waits.every((wait) => wait > 0)) expect(most).toBe(Math.min(width, waits.length));
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  test("after the first failure starts nothing new, awaits what runs, and throws that failure", async () => {
    const started: number[] = [];
    const ended: number[] = [];
    const slow = Promise.withResolvers<void>();
    let over = false;
    const all = inParallel([0, 1, 2, 3, 4], 2, async (i) => {
      started.push(i);
      if (i === 1) throw new Error("one");
      if (i === 0) await slow.promise;
      ended.push(i);
      if (i === 0) throw new Error("zero, later");
    }).finally(() => {
      over = true;
    });
    const outcome = all.catch((error: Error) => error.message);
    await turn();
    expect([started, over]).toEqual([[0, 1], false]);
    slow.resolve();
    expect(await outcome).toBe("one");
    expect([started, ended]).toEqual([[0, 1], [0]]);
  });

  test("of nothing is nothing", async () => {
    expect(await inParallel([], 4, async () => 1)).toEqual([]);
  });
});
