/** `/readyz`: which side is away, and that asking costs the sides little. */
import { describe, expect, test } from "bun:test";
import { noteRetry, type Progress } from "../../../core/progress/progress.ts";
import { createReadiness, type Pingable, type Sides } from "../../../bin/http/readiness.ts";
import { fakeProgress } from "../../fakes/progress.ts";

const START = Date.parse("2026-11-23T21:00:00Z");
const there: Pingable = { ping: () => Promise.resolve() };

/** A run that is going on, and a clock that stands. */
function run(sides: Partial<NonNullable<Sides>>, progress: Progress = fakeProgress(START, [])) {
  progress.phase = "incr";
  const clock = { now: START };
  const all = { source: there, target: there, checkpoint: there, ...sides };
  const ready = createReadiness({ progress, sides: () => all, now: () => clock.now, patience: 30 });
  return { ready, clock, progress };
}

describe("a side", () => {
  test("that answers is ready", async () => {
    expect(await run({}).ready()).toEqual({
      ready: true,
      source: { ready: true },
      target: { ready: true },
      checkpoint: { ready: true },
    });
  });

  test("that fails is away, and is named with why", async () => {
    const target = { ping: () => Promise.reject(new Error("connect ECONNREFUSED")) };
    expect(await run({ target }).ready()).toMatchObject({
      ready: false,
      reason: "the target is away",
      source: { ready: true },
      target: { ready: false, reason: "connect ECONNREFUSED" },
    });
  });

  test("that hangs is away after a while, whether it minds its signal or not", async () => {
    const obedient = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
      );
    const source = { ping: obedient };
    const target = { ping: () => new Promise<void>(() => {}) };
    expect(await run({ source, target }).ready()).toMatchObject({
      ready: false,
      reason: "the source is away, the target is away",
      source: { ready: false, reason: "no answer within 0.03 s" },
      target: { ready: false, reason: "no answer within 0.03 s" },
    });
  });

  test("is asked once in a while, however often somebody wants to know", async () => {
    let asked = 0;
    const { ready, clock } = run({ source: { ping: async () => void asked++ } });
    await Promise.all([ready(), ready(), ready()]);
    expect(asked).toBe(1);
    clock.now += 3000;
    await ready();
    expect(asked).toBe(2);
  });

  test("whose call hangs isn't asked again until that has ended", async () => {
    const first = Promise.withResolvers<void>();
    let asked = 0;
    const source = { ping: (): Promise<void> => (asked++ === 0 ? first.promise : Promise.resolve()) };
    const { ready, clock } = run({ source });
    await ready();
    clock.now += 60_000;
    expect(await ready()).toMatchObject({ source: { ready: false } });
    expect(asked).toBe(1);
    first.resolve();
    await first.promise;
    clock.now += 3000;
    expect(await ready()).toMatchObject({ source: { ready: true } });
  });

  test("that can't be asked is away while calls to it fail", async () => {
    const progress = fakeProgress(Date.now(), [{ name: "orders", state: "following" }]);
    const { ready, clock } = run({ source: {}, target: {}, checkpoint: {} }, progress);
    clock.now = Date.now();
    const at = { table: "orders", pause: 100 } as const;
    noteRetry(progress, { ...at, side: "target", code: "TARGET_THROTTLED" });
    expect(await ready()).toMatchObject({ ready: true });
    noteRetry(progress, { ...at, side: "source", code: "SOURCE_UNREACHABLE", message: "GetRecords: no" });
    expect(await ready()).toMatchObject({
      ready: false,
      source: { ready: false, reason: "GetRecords: no" },
      target: { ready: true },
    });
    clock.now += 30_000;
    expect(await ready()).toMatchObject({ ready: true });
  });
});

test("a run that hasn't begun, or is over, isn't ready", async () => {
  const progress = fakeProgress(START, []);
  const ready = createReadiness({ progress, sides: () => undefined });
  expect(await ready()).toEqual({ ready: false, reason: "starting" });
  progress.phase = "incr";
  expect(await ready()).toEqual({ ready: false, reason: "the run has ended, or is about to" });
});
