/** So many at once, in turn. */
import { describe, expect, test } from "bun:test";
import { createSemaphore } from "../../../core/flow/semaphore.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createSemaphore", () => {
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

  test("with more lanes lets in who waits at once, with fewer as they are left", async () => {
    let width = 1;
    const lanes = createSemaphore(() => width);
    const inside: (() => void)[] = [];
    for (let i = 0; i < 5; i++) void lanes.acquire().then((leave) => inside.push(leave));
    await turn();
    expect(inside).toHaveLength(1);
    width = 3;
    lanes.resized();
    await turn();
    expect(inside).toHaveLength(3);
    width = 1;
    lanes.resized();
    inside.shift()!();
    inside.shift()!();
    await turn();
    expect(inside).toHaveLength(1);
    inside.shift()!();
    await turn();
    expect(inside).toHaveLength(1);
  });
});
