/** Which failures are tried again, after which pauses, until when. */
import { describe, expect, test } from "bun:test";
import { type RetryOptions, type RetryPolicy, withRetry } from "../../../core/flow/retry.ts";

const QUICK: RetryPolicy = { firstPause: 4, longestPause: 16, total: 60_000 };

function options(more: Partial<RetryOptions> = {}): RetryOptions {
  return { policy: QUICK, passes: () => true, signal: new AbortController().signal, ...more };
}

describe("withRetry", () => {
  test("gives the first success, with the try's number", async () => {
    const tries: number[] = [];
    const told: string[] = [];
    const result = await withRetry(
      async (attempt) => {
        tries.push(attempt);
        if (attempt < 3) throw new Error(`try ${attempt}`);
        return "done";
      },
      options({ onRetry: (error) => told.push((error as Error).message) }),
    );
    expect(result).toBe("done");
    expect(tries).toEqual([0, 1, 2, 3]);
    expect(told).toEqual(["try 0", "try 1", "try 2"]);
  });

  test("pauses grow, vary by half, and end at the longest", async () => {
    const pauses: number[] = [];
    const call = async (attempt: number): Promise<void> => {
      if (attempt < 6) throw new Error("again");
    };
    await withRetry(call, options({ onRetry: (_error, pause) => pauses.push(pause) }));
    for (const [i, full] of [4, 8, 16, 16, 16, 16].entries()) {
      expect(pauses[i]!).toBeGreaterThanOrEqual(full / 2);
      expect(pauses[i]!).toBeLessThanOrEqual(full);
    }
  });

  test("what doesn't pass is thrown at once", async () => {
    let tries = 0;
    const failing = withRetry(
      async () => {
        tries++;
        throw new Error(tries === 1 ? "busy" : "denied");
      },
      options({ passes: (error) => (error as Error).message === "busy" }),
    );
    await expect(failing).rejects.toThrow("denied");
    expect(tries).toBe(2);
  });

  test("the last failure is thrown when the policy's time is over", async () => {
    const start = performance.now();
    let tries = 0;
    const failing = withRetry(
      async () => {
        throw new Error(`try ${tries++}`);
      },
      options({ policy: { firstPause: 10, longestPause: 10, total: 1000 } }),
    );
    const { message } = await failing.catch((error: Error) => error);
    expect(message).toBe(`try ${tries - 1}`);
    expect(tries).toBeGreaterThan(3);
    expect(performance.now() - start).toBeLessThan(60_000);
  });

  test("the policy's time counts from the first failure, not from the first call", async () => {
    const call = async (attempt: number): Promise<string> => {
      if (attempt > 0) return "done";
      await Bun.sleep(120);
      throw new Error("slow");
    };
    expect(
      await withRetry(call, options({ policy: { firstPause: 10, longestPause: 10, total: 1000 } })),
    ).toBe("done");
  });

  test("an abort ends the pause, and the failure is thrown", async () => {
    const stopping = new AbortController();
    let tries = 0;
    const failing = withRetry(
      async () => {
        tries++;
        throw new Error("down");
      },
      options({
        policy: { firstPause: 50_000, longestPause: 50_000, total: 100_000 },
        signal: stopping.signal,
        onRetry: () => void setTimeout(() => stopping.abort(), 10),
      }),
    );
    await expect(failing).rejects.toThrow("down");
    expect(tries).toBe(1);
  });

  test("after an abort nothing is tried again", async () => {
    let tries = 0;
    const failing = withRetry(
      async () => {
        tries++;
        throw new Error("down");
      },
      options({ signal: AbortSignal.abort() }),
    );
    await expect(failing).rejects.toThrow("down");
    expect(tries).toBe(1);
  });
});
