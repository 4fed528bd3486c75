/** So many calls a second at most, in any second. */
import { describe, expect, test, setDefaultTimeout } from "bun:test";
import { createBudget, createRateLimiter, type RateLimiter } from "../../../core/flow/rate-limit.ts";

setDefaultTimeout(180_000);

const SECOND = 1000;
/** Longer than the longest window that is looked at. */
const MEASURED = 1.25 * SECOND;
/** Unused time the limiter may save up, plus what a timer may be early, in ms. */
const TOLERANCE = 22;

/** What {@link measure} gives, times in ms. */
interface Measured {
  /** When each call was let through. */
  passed: number[];
  /** How long the machine kept a timer waiting at most: calls due meanwhile come together. */
  stall: number;
}

/** Calls from several callers until the time is over. */
async function measure(limiter: RateLimiter, callers: number, ms: number): Promise<Measured> {
  const start = performance.now();
  const passed: number[] = [];
  let last = start;
  let stall = 0;
  const probe = setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
  }, 1);
  const caller = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      await limiter();
      passed.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  clearInterval(probe);
  return { passed, stall };
}

/** The most calls in any window of so many ms. */
function mostIn(passed: number[], window: number): number {
  let from = 0;
  let most = 0;
  passed.forEach((time, i) => {
    while (passed[from]! <= time - window) from++;
    most = Math.max(most, i - from + 1);
  });
  return most;
}

describe("createRateLimiter", () => {
  test.each([
    [20, 1],
    [20, 8],
    [500, 1],
    [500, 8],
  ])("%d per second, %d callers: never more in any second, and not much fewer", async (rate, callers) => {
    const { passed, stall } = await measure(createRateLimiter(rate), callers, MEASURED);
    for (const window of [SECOND, SECOND / 4]) {
      const allowed = (rate * (window + TOLERANCE + stall)) / SECOND + 1;
      expect(mostIn(passed, window)).toBeLessThanOrEqual(allowed);
    }
    expect(passed.length).toBeGreaterThan((MEASURED / SECOND) * rate * 0.7);
  });

  test("an idle time isn't saved up", async () => {
    const limiter = createRateLimiter(50);
    await limiter();
    await Bun.sleep(SECOND);
    const { passed, stall } = await measure(limiter, 4, 0.4 * SECOND);
    const allowed = 50 * ((0.2 * SECOND + TOLERANCE + stall) / SECOND) + 1;
    expect(passed.filter((time) => time < 0.2 * SECOND).length).toBeLessThanOrEqual(allowed);
  });

  test("the first call doesn't wait, the next waits its turn", async () => {
    const limiter = createRateLimiter(1);
    const start = performance.now();
    await limiter();
    expect(performance.now() - start).toBeLessThan(0.5 * SECOND);
    await limiter();
    expect(performance.now() - start).toBeGreaterThan(0.95 * SECOND);
  });

  test("a wait ends when the signal is aborted", async () => {
    const limiter = createRateLimiter(0.01);
    await limiter();
    const stopping = new AbortController();
    const waiting = limiter(stopping.signal);
    const start = performance.now();
    setTimeout(() => stopping.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    expect(performance.now() - start).toBeLessThan(2 * SECOND);
  });

  test("keys take turns, and who gives up takes none", async () => {
    const limiter = createRateLimiter(10);
    // What was saved up is used.
    await Promise.all([limiter(), limiter()]);
    const passed: string[] = [];
    const gone = new AbortController();
    const call = (name: string, signal?: AbortSignal): Promise<unknown> =>
      limiter(signal, name[0]).then(
        () => passed.push(name),
        () => passed.push(`${name} gone`),
      );
    const calls = ["a1", "a2", "a3", "b1", "c1", "b2"].map((name) =>
      call(name, name === "c1" ? gone.signal : undefined),
    );
    gone.abort();
    await Promise.all(calls);
    expect(passed).toEqual(["c1 gone", "a1", "b1", "a2", "b2", "a3"]);
  });
});

test("another rate counts for those who wait already", async () => {
  let rate = 0.01;
  const limiter = createRateLimiter(() => rate);
  const budget = createBudget(() => rate);
  await limiter();
  (await budget.take(0.01))(5);
  const start = performance.now();
  const waiting = Promise.all([limiter(), limiter(), budget.take(1)]);
  await Bun.sleep(20);
  rate = 1000;
  await waiting;
  expect(performance.now() - start).toBeLessThan(SECOND);
  rate = 4;
  for (let i = 0; i < 4; i++) await limiter();
  expect(performance.now() - start).toBeGreaterThan(0.5 * SECOND);
});

test("a budget without a limit lets all in, and has one again", async () => {
  let rate = Number.POSITIVE_INFINITY;
  const budget = createBudget(() => rate);
  for (let i = 0; i < 100; i++) (await budget.take(1_000_000))(2_000_000);
  rate = 10;
  await budget.take(10);
  const start = performance.now();
  await budget.take(5);
  expect(performance.now() - start).toBeGreaterThan(0.4 * SECOND);
  const waiting = budget.take(1000);
  rate = Number.POSITIVE_INFINITY;
  await waiting;
  expect(performance.now() - start).toBeLessThan(3 * SECOND);
});

describe("createBudget", () => {
  test("first come, first served; what was taken too much is paid back before the next one", async () => {
    const budget = createBudget(100);
    const start = performance.now();
    const spent = await budget.take(100);
    spent(120);
    const passed: string[] = [];
    const calls = [20, 1].map((cost) => budget.take(cost).then(() => passed.push(`${cost}`)));
    await Promise.all(calls);
    expect(passed).toEqual(["20", "1"]);
    expect(performance.now() - start).toBeGreaterThan(0.4 * SECOND);
  });

  test("what was taken too little is there for the next one", async () => {
    const budget = createBudget(0.01);
    const spent = await budget.take(0.01);
    spent(0);
    await budget.take(0.01);
  });

  test("who gives up lets the next one go on", async () => {
    const budget = createBudget(1);
    await budget.take(0.99);
    const gone = new AbortController();
    const first = budget.take(1000, gone.signal);
    const second = budget.take(0.01);
    gone.abort(new Error("gone"));
    expect(await first.catch((error: Error) => error.message)).toBe("gone");
    await second;
  });
});
