/** How many writes are on their way at once, by a clock that the test turns. */
import { describe, expect, test } from "bun:test";
import { createWriteLanes } from "../../../core/flow/write-lanes.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a target is like: how far away, there and back, and how long it works on each write, one after the other; in ms. */
interface Place {
  away: number;
  work: number;
}

/**
 * Writes as many as are let in, again and again.
 *
 * @param width as it is configured
 * @param most that want to write at once
 * @returns how many were let in, round by round
 */
async function rounds(
  width: number | "auto",
  { away, work }: Place,
  count: number,
  most = 100,
): Promise<number[]> {
  let now = 0;
  const lanes = createWriteLanes(
    () => width,
    () => now,
  );
  const entered: (() => void)[] = [];
  const widths: number[] = [];
  let asked = 0;
  for (let round = 0; round < count; round++) {
    for (; asked < most; asked++) void lanes.acquire().then((leave) => entered.push(leave));
    await turn();
    const sent = entered.splice(0);
    widths.push(sent.length);
    asked -= sent.length;
    now += away;
    for (const leave of sent) {
      now += work;
      leave();
    }
    await turn();
  }
  return widths;
}

describe("writes at once", () => {
  test.each([1, 3, 40])("a width of %d holds, however far the target is", async (width) => {
    expect(await rounds(width, { away: 100, work: 0 }, 5)).toEqual([width, width, width, width, width]);
  });

  test("auto: more and more where it is all distance, up to an end", async () => {
    const widths = await rounds("auto", { away: 100, work: 0 }, 40);
    expect(widths[0]).toBe(4);
    expect(widths.toSorted((a, b) => a - b)).toEqual(widths);
    expect(widths.at(-1)).toBe(32);
  });

  test("auto: no more than the first ones where it is all work", async () => {
    expect(new Set(await rounds("auto", { away: 0, work: 20 }, 20))).toEqual(new Set([4]));
  });

  test("auto: a far target gets as many as keep it busy, and not many more", async () => {
    // While one answer is on its way there is time for ten others.
    const last = (await rounds("auto", { away: 100, work: 10 }, 60)).at(-1);
    expect(last).toBeGreaterThanOrEqual(11);
    expect(last).toBeLessThanOrEqual(22);
  });

  test("auto: no more come where fewer are written than there are lanes", async () => {
    expect(await rounds("auto", { away: 100, work: 0 }, 10, 3)).toEqual(Array.from({ length: 10 }, () => 3));
  });

  test("a width that is set meanwhile lets in who waits", async () => {
    let width: number | "auto" = 1;
    const lanes = createWriteLanes(() => width);
    let entered = 0;
    for (let i = 0; i < 6; i++) void lanes.acquire().then(() => entered++);
    await turn();
    expect(entered).toBe(1);
    width = "auto";
    lanes.resized();
    await turn();
    expect(entered).toBe(4);
  });
});
