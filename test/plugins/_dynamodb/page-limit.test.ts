/** Pages become smaller when they come too late, and grow again when they come quickly. */
import { expect, test } from "bun:test";
import { createPageLimit } from "../../../plugins/_dynamodb/page-limit.ts";

const TIMEOUT = 3000;
const late = (): never => {
  throw Object.assign(new Error("no answer"), { name: "TimeoutError" });
};

/** A way on which an item takes so many ms; gives what one page after the other asked for, and asks again for less. */
async function asked(perItem: number, wanted: number | undefined, pages: number): Promise<number[]> {
  let now = 0;
  const limit = createPageLimit(TIMEOUT, () => now);
  const found: number[] = [];
  for (let i = 0; i < pages; i++) {
    const request = { Limit: limit.of(wanted) };
    const all = request.Limit ?? 5000;
    found.push(all);
    const send = async (): Promise<void> => {
      now += Math.min(TIMEOUT, all * perItem);
      if (all * perItem >= TIMEOUT) late();
    };
    await limit.watch(request, send).catch(() => expect(request.Limit).toBeLessThan(Math.max(2, all)));
  }
  return found;
}

test.each<[string, number, number | undefined, number[]]>([
  ["as they are asked for where there is time", 0.1, 1000, [1000, 1000]],
  ["as the service likes", 0.1, undefined, [5000, 5000]],
  [
    "few behind one that was late, then more up to half of the time",
    2,
    undefined,
    [5000, 128, 256, 512, 512],
  ],
  ["never more than are asked for", 1, 4000, [4000, 128, 256, 512, 1024, 1024]],
  ["half as many each time", 100, 100, [100, 50, 25, 25]],
  ["one at least", 5000, 3, [3, 1, 1]],
])("%s", async (_, perItem, wanted, expected) => {
  expect(await asked(perItem, wanted, expected.length)).toEqual(expected);
});

test("several that were late at the same time count as one, another failure as none", async () => {
  const limit = createPageLimit(TIMEOUT);
  const lost = (): never => {
    throw new Error("lost");
  };
  await limit.watch({}, async () => lost()).catch(() => {});
  expect(limit.of(undefined)).toBeUndefined();
  await Promise.all([1, 2, 3].map(() => limit.watch({}, async () => late()).catch(() => {})));
  expect(limit.of(undefined)).toBe(128);
});
