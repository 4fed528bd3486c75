import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createSemaphore, inParallel } from "../../../core/flow/semaphore.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createLanes", () => {
  test("lets so many run at once, who waits longest goes first", async () => {
    const lanes = createSemaphore(2);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const work = async (i: number): Promise<number> => {
      started.push(i);
      most = Math.max(most, ++running);
      for (let wait = 0; wait < 3 - (i % 3); wait++) await turn();
      running--;
      return i * 10;
    };
    const results = await Promise.all(Array.from({ length: 9 }, (_, i) => lanes.run(() => work(i))));
    expect(most).toBe(2);
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(results).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80]);
  });

  test("a failure frees its lane", async () => {
    const lanes = createSemaphore(1);
    const failing = lanes.run(() => {
      throw new Error("first");
    });
    await expect(failing).rejects.toThrow("first");
    await expect(lanes.run(() => "second")).resolves.toBe("second");
  });

  test("a lane taken is free only when it is left", async () => {
    const lanes = createSemaphore(1);
    const leave = await lanes.acquire();
    let entered = false;
    const second = lanes.acquire().then((leave) => {
      entered = true;
      return leave;
    });
    await turn();
    expect(entered).toBe(false);
    leave();
    (await second)();
    await expect(lanes.run(() => 3)).resolves.toBe(3);
  });
});

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
