/** Room for a unit's pages. */
import { expect, test } from "bun:test";
import { createMemoryBudget, PAGE_BYTES } from "../../../core/flow/memory-budget.ts";
import { createPageRoom } from "../../../core/flow/page-room.ts";

const KB = 1024;
const { signal } = new AbortController();

test("is reserved by the last page's size: the first may have all there can be, small ones leave room for others", async () => {
  const budget = createMemoryBudget(() => 100 * PAGE_BYTES);
  let weight = 3;
  const room = createPageRoom(budget.unit("pages"), () => weight);
  const reserved: number[] = [];
  for (const bytes of [10, 100 * KB, PAGE_BYTES, 5 * PAGE_BYTES, PAGE_BYTES]) {
    await room.reserve(signal);
    await room.reserve(signal);
    reserved.push(budget.used / weight);
    const held = room.take(bytes);
    expect(budget.used).toBe(bytes * weight);
    held.release();
  }
  expect(reserved).toEqual([PAGE_BYTES, 64 * KB, 200 * KB, PAGE_BYTES, 5 * PAGE_BYTES]);
  weight = 10;
  await room.reserve(signal);
  expect(budget.used).toBe(10 * PAGE_BYTES);
  room.giveBack();
  expect(budget.used).toBe(0);
});

test("a page that nobody has asked for room for is counted all the same", () => {
  const budget = createMemoryBudget(() => PAGE_BYTES);
  const held = createPageRoom(budget.unit("changes"), () => 2).take(PAGE_BYTES);
  expect(budget.used).toBe(2 * PAGE_BYTES);
  held.release();
  expect(budget.used).toBe(0);
});
