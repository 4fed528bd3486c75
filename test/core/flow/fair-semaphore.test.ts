/** Who goes next where several keys share what runs at once. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFairSemaphore } from "../../../core/flow/semaphore.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createFairSemaphore", () => {
  test("a free lane goes to the key with the fewest, among equals to who waits longest", async () => {
    const step = fc.oneof(fc.constantFrom("a", "b", "c"), fc.nat(10));
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, width) => {
        const lanes = createFairSemaphore(width);
        const running: { key: string; leave: () => void }[] = [];
        /** The model: who waits, in the order of arrival. */
        const waiting: { id: number; key: string }[] = [];
        const entered: number[] = [];
        const expected: number[] = [];
        const lanesOf = (key: string): number => running.filter((one) => one.key === key).length;
        for (const [id, what] of steps.entries()) {
          if (typeof what === "string") {
            if (running.length < width) expected.push(id);
            else waiting.push({ id, key: what });
            void lanes.acquire(what).then((leave) => {
              entered.push(id);
              return running.push({ key: what, leave });
            });
          } else if (running.length > 0) {
            const [gone] = running.splice(what % running.length, 1);
            const [next] = waiting.toSorted((a, b) => lanesOf(a.key) - lanesOf(b.key) || a.id - b.id);
            if (next !== undefined) {
              expected.push(next.id);
              waiting.splice(waiting.indexOf(next), 1);
            }
            gone!.leave();
          }
          await Promise.resolve();
          await Promise.resolve();
          await Promise.resolve();
          expect(entered).toEqual(expected);
          expect(running.length).toBeLessThanOrEqual(width);
        }
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  test("one with much to do doesn't starve the others", async () => {
    const lanes = createFairSemaphore(4);
    const done: string[] = [];
    const work = (key: string): Promise<void> =>
      lanes.run(key, async () => {
        await turn();
        done.push(key);
      });
    const huge = Array.from({ length: 100 }, () => work("huge"));
    await turn();
    await work("small");
    expect(done.length).toBeLessThan(15);
    await Promise.all(huge);
    expect(done).toHaveLength(101);
  });

  test("a failure frees its lane", async () => {
    const lanes = createFairSemaphore(1);
    const failing = lanes.run("a", () => {
      throw new Error("first");
    });
    await expect(failing).rejects.toThrow("first");
    await expect(lanes.run("b", () => "second")).resolves.toBe("second");
  });
});
