/** One value ahead, and no further. */
import { describe, expect, test } from "bun:test";
import { readAhead } from "../../../core/flow/read-ahead.ts";

// Not with `rejects`: it waits in an event loop of its own, where an immediate may come seconds late.
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Values from 0, with a log of what was asked for and whether it was closed; may fail at one of them. */
function source(count: number, failAt = Infinity) {
  const log = { asked: 0, closed: false };
  async function* values(): AsyncGenerator<number, void> {
    try {
      for (let i = 0; i < count; i++) {
        log.asked++;
        await turn();
        if (i === failAt) throw new Error(`no ${i}`);
        yield i;
      }
    } finally {
      log.closed = true;
    }
  }
  return { log, values: values() };
}

describe("readAhead", () => {
  test("gives every value in order", async () => {
    const { values, log } = source(5);
    expect(await Array.fromAsync(readAhead(values))).toEqual([0, 1, 2, 3, 4]);
    expect(log.closed).toBe(true);
  });

  test("asks for one value more than was taken, and no further", async () => {
    const { values, log } = source(100);
    const asked: number[] = [];
    for await (const value of readAhead(values)) {
      for (let wait = 0; wait < 5; wait++) await turn();
      asked.push(log.asked - value);
      if (value === 9) break;
    }
    expect(asked).toEqual(Array.from({ length: 10 }, () => 2));
  });

  test("the request for the next value has left before a value is worked on, whatever it takes to make it", async () => {
    const log: string[] = [];
    async function* values(): AsyncGenerator<number, void> {
      for (let i = 0; i < 3; i++) {
        // Signing and the like: promise jobs, many of them.
        for (let job = 0; job < 500; job++) await Promise.resolve();
        log.push(`asked for ${i}`);
        await turn();
        yield i;
      }
    }
    for await (const value of readAhead(values())) log.push(`got ${value}`);
    expect(log).toEqual(["asked for 0", "asked for 1", "got 0", "asked for 2", "got 1", "got 2"]);
  });

  test("asks for nothing before it is asked", async () => {
    const { values, log } = source(1);
    readAhead(values);
    await turn();
    expect(log.asked).toBe(0);
  });

  test("a break closes the source, when its request is over", async () => {
    const { values, log } = source(10);
    for await (const value of readAhead(values)) if (value === 2) break;
    expect(log).toEqual({ asked: 4, closed: true });
  });

  test("a throw in the loop closes the source and is what is thrown", async () => {
    const { values, log } = source(10, 1);
    const loop = (async () => {
      for await (const value of readAhead(values)) throw new Error(`loop ${value}`);
    })();
    expect(await loop.catch(String)).toContain("loop 0");
    expect(log.closed).toBe(true);
  });

  test("a failure comes when its turn comes", async () => {
    const { values, log } = source(10, 2);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const value of readAhead(values)) {
        for (let wait = 0; wait < 5; wait++) await turn();
        seen.push(value);
      }
    })();
    expect(await loop.catch(String)).toContain("no 2");
    expect(seen).toEqual([0, 1]);
    expect(log.closed).toBe(true);
  });
});
