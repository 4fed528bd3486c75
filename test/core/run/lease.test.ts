/** The lease with time and store made up: who has it, who waits, and who writes no more. */
import { describe, expect, test } from "bun:test";
import type { OwnedContext } from "../../../core/run/context.ts";
import type { MigrationError } from "../../../core/errors.ts";
import { thisProcess } from "../../../core/host/process.ts";
import {
  createLease,
  isHolderRunning,
  type Lease,
  type LeaseClock,
  type Moment,
} from "../../../core/run/lease.ts";
import type { Holder, Holding, LeaseKeeper } from "../../../core/plugin/roles.ts";
import {
  memoryCheckpoint,
  memoryContext,
  memorySource,
  memoryTarget,
  numbered,
} from "../../fakes/context.ts";
import { TABLE } from "../../fakes/copying.ts";

const SECOND = 1000;

/** Time that goes on when it is told to. */
function createClock(): LeaseClock & { advance(ms: number): Promise<void>; now(): Moment; shift: Moment } {
  let time = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const shift = { steady: 0, wall: 0 };
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    shift,
    now: () => ({ steady: time + shift.steady, wall: time + shift.wall }),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const sleeper = { at: time + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    async advance(ms) {
      const end = time + ms;
      await settle();
      for (;;) {
        const [next] = [...sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        time = next.at;
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      time = end;
    },
  };
}

type Clock = ReturnType<typeof createClock>;

/** What all processes share. */
function createKeeper(clock: Clock): LeaseKeeper & { away: boolean; held(): Holder | undefined } {
  let held: { holder: Holder; renewedAt: number } | undefined;
  const now = (): number => clock.now().steady - clock.shift.steady;
  const holding = (): Holding => ({ holder: held!.holder, age: now() - held!.renewedAt });
  const keeper = {
    away: false,
    held: () => held?.holder,
    async claim(ours: Holder, { ttl, over }: { ttl: number; over?: string }) {
      const token = held?.holder.token;
      const free = held === undefined || token === ours.token || token === over || holding().age > ttl;
      if (free) held = { holder: ours, renewedAt: now() };
      return holding();
    },
    async renew({ token }: Holder) {
      if (keeper.away) throw new Error("away");
      if (held?.holder.token === token) held.renewedAt = now();
      return held && holding();
    },
    async release({ token }: Holder) {
      if (held?.holder.token === token) held = undefined;
    },
  };
  return keeper;
}

interface Process {
  ctx: OwnedContext;
  lease: Lease;
  written: string[][];
  write(...keys: number[]): Promise<unknown>;
}

/** A process with a lease to take. */
async function start(
  keeper: LeaseKeeper | undefined,
  clock: Clock,
  isRunning: (holder: Holder) => boolean | undefined = () => undefined,
): Promise<Process> {
  const target = memoryTarget();
  const checkpoint = { ...memoryCheckpoint(), ...(keeper && { lease: keeper }) };
  const ctx = await memoryContext(memorySource([]), target, {}, checkpoint);
  const lease = createLease(ctx, { clock, isRunning });
  ctx.guard(lease.hold);
  const unit = { phase: "full", table: TABLE, segment: 0, segments: 1 } as const;
  return {
    ctx,
    lease,
    written: target.batches,
    write: async (...keys) => {
      const records = keys.flatMap((key) => numbered(TABLE, key, 1));
      return ctx.role("target").write({ unit, records }, ctx.abandon);
    },
  };
}

const thrown = (work: Promise<unknown>): Promise<MigrationError> =>
  work.then(
    () => expect.unreachable(),
    (error: unknown) => error as MigrationError,
  );

/** Two processes at one store. */
async function two(isRunning?: (holder: Holder) => boolean | undefined) {
  const clock = createClock();
  const keeper = createKeeper(clock);
  const first = await start(keeper, clock, isRunning);
  await first.lease.take();
  return { clock, keeper, first, second: await start(keeper, clock, isRunning) };
}

describe("a second process", () => {
  test("is refused when the first one is seen to renew its lease, with host, process and since when", async () => {
    const { clock, keeper, second } = await two();
    const refused = thrown(second.lease.take());
    await clock.advance(6 * SECOND);
    const { code, exit, message } = await refused;
    expect([code, exit]).toEqual(["ALREADY_RUNNING", 2]);
    const { host, pid } = thisProcess();
    expect(message).toContain(`process ${pid} on host ${host} since ${keeper.held()!.since}`);
    await second.lease.release();
    await clock.advance(60 * SECOND);
    await Promise.resolve(second.ctx.mayWrite());
    expect(keeper.held()).toBeDefined();
  });

  test("waits for one on another machine that is silent, and has the lease after 30 s", async () => {
    const { clock, keeper, first, second } = await two();
    keeper.away = true; // for the first one only: the second one doesn't renew yet
    const taken = second.lease.take();
    await clock.advance(29 * SECOND);
    expect(keeper.held()!.since).toBeDefined();
    const before = keeper.held()!.token;
    await clock.advance(2 * SECOND);
    await taken;
    expect(keeper.held()!.token).not.toBe(before);
    keeper.away = false;
    expect((await thrown(first.write(1))).code).toBe("ALREADY_RUNNING");
  });

  test("doesn't wait for one that is known to be dead", async () => {
    const { keeper, second } = await two(() => false);
    const before = keeper.held()!.token;
    await second.lease.take();
    expect(keeper.held()!.token).not.toBe(before);
  });

  test.each([false, true])(
    "has the lease of one that is dead when nothing it has sent can come any more, looked at before: %p",
    async (finds) => {
      const { keeper, second } = await two(() => false);
      const { holder } = await keeper.claim({ ...thisProcess(), token: "looks", since: "now" }, { ttl: 1e9 });
      if (finds) keeper.find = async () => ({ holder, age: 1e9 });
      const asked: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const role of ["target", "checkpoint"] as const) {
        second.ctx.role(role).outlast = async (dead) => {
          asked.push(`${role} ${(dead as Holder).token === holder.token}`);
          await promise;
        };
      }
      const taken = second.lease.take();
      for (let n = 0; n < 20; n++) await new Promise((then) => setImmediate(then));
      expect(asked).toEqual(["target true", "checkpoint true"]);
      // Who is killed meanwhile leaves it as it was, for the next one to wait, too.
      expect(keeper.held()!.token).toBe(holder.token);
      resolve();
      await taken;
      expect(keeper.held()!.token).not.toBe(holder.token);
      expect(asked).toHaveLength(2);
    },
  );

  test("begins at once after a clean stop", async () => {
    const { first, second } = await two();
    await first.lease.release();
    await second.lease.take();
    await second.write(1);
    expect(second.written).toEqual([["1"]]);
  });

  test("in the same program waits for what the one before has given up as it would on another machine", async () => {
    const clock = createClock();
    const keeper = createKeeper(clock);
    const [first, second] = [await start(keeper, clock), await start(keeper, clock, isHolderRunning)];
    const abandon = { value: AbortSignal.abort() };
    const ctx = Object.create(first.ctx, { abandon }) as OwnedContext;
    const lease = createLease(ctx, { clock, isRunning: isHolderRunning });
    await lease.take();
    const { token } = keeper.held()!;
    await lease.release();
    const taken = second.lease.take();
    await clock.advance(29 * SECOND);
    expect(keeper.held()!.token).toBe(token);
    await clock.advance(2 * SECOND);
    await taken;
    expect(keeper.held()!.token).not.toBe(token);
  });

  test("that is stopped while it waits ends", async () => {
    const { clock, second } = await two();
    const refused = thrown(second.lease.take());
    await clock.advance(SECOND);
    second.ctx.stop(new Error("enough"));
    expect((await refused).message).toBe("enough");
  });
});

describe("a process that was paused", () => {
  test.each(["steady", "wall"] as const)("%s time, and was replaced, writes nothing more", async (kind) => {
    const { clock, first, second } = await two();
    await first.write(1);
    // as a stopped process sees it: nothing runs meanwhile, and then it is later
    clock.shift[kind] += 31 * SECOND;
    const keeper = first.ctx.role("checkpoint").lease!;
    await keeper.claim({ ...thisProcess(), token: "other", since: "now" }, { ttl: -1 });
    for (let n = 0; n < 2; n++) {
      const { code, exit, message } = await thrown(first.write(2));
      expect([code, exit]).toEqual(["ALREADY_RUNNING", 1]);
      expect(message).toContain("since now has taken over id = nimo-shake");
    }
    expect((await thrown(first.ctx.role("checkpoint").save("t", new Map([["0", 1]])))).code).toBe(
      "ALREADY_RUNNING",
    );
    expect((first.ctx.signal.reason as MigrationError).code).toBe("ALREADY_RUNNING");
    expect(first.written).toEqual([["1"]]);
    await first.lease.release();
    expect((await keeper.renew({ ...thisProcess(), token: "x", since: "" }))!.holder.token).toBe("other");
    await second.lease.release();
  });

  test("and whose lease is still its own renews it and goes on, in order", async () => {
    const { clock, keeper, first } = await two();
    clock.shift.steady += 31 * SECOND;
    await Promise.all([first.write(1), first.write(2), first.write(3)]);
    expect(first.written).toEqual([["1"], ["2"], ["3"]]);
    expect(keeper.held()).toBeDefined();
  });

  test.each([false, true])(
    "again and again while it renews it goes on when it has come to that; the store failed then: %p",
    async (fails) => {
      const { clock, keeper, first } = await two();
      const { renew } = keeper;
      let pauses = 3;
      keeper.renew = async (ours) => {
        const answer = await renew(ours);
        if (pauses-- <= 0) return answer;
        clock.shift.steady += 18 * 60 * SECOND;
        if (fails) throw new Error("the connection is broken");
        return answer;
      };
      clock.shift.steady += 18 * 60 * SECOND;
      const written = first.write(1);
      await clock.advance(5 * SECOND);
      await written;
      expect(first.written).toEqual([["1"]]);
    },
  );

  test("finds its lease given back by another one, and doesn't take it again", async () => {
    const { clock, keeper, first } = await two();
    clock.shift.steady += 31 * SECOND;
    await keeper.release(keeper.held()!);
    expect((await thrown(first.write(1))).code).toBe("ALREADY_RUNNING");
    expect(first.written).toEqual([]);
  });
});

describe("a process that is cut off from the store", () => {
  test("writes as long as its lease can be no other's, then waits until it is renewed", async () => {
    const { clock, keeper, first } = await two();
    keeper.away = true;
    await clock.advance(9 * SECOND);
    await first.write(1);
    await clock.advance(2 * SECOND);
    const written = Promise.all([first.write(2), first.write(3)]);
    await clock.advance(60 * SECOND);
    expect(first.written).toEqual([["1"]]);
    keeper.away = false;
    await clock.advance(SECOND);
    await written;
    expect(first.written).toEqual([["1"], ["2"], ["3"]]);
  });

  test("for too long fails with what the store says", async () => {
    const { clock, keeper, first } = await two();
    keeper.away = true;
    await clock.advance(11 * SECOND);
    const failed = thrown(first.write(1));
    await clock.advance(121 * SECOND);
    expect((await failed).message).toBe("away");
    expect(first.written).toEqual([]);
  });
});

test("a store whose answers come too late each time ends the run in the end", async () => {
  const { clock, keeper, first } = await two();
  const { renew } = keeper;
  keeper.renew = async (ours) => {
    const answer = await renew(ours);
    clock.shift.steady += 15 * SECOND;
    return answer;
  };
  clock.shift.steady += 31 * SECOND;
  expect((await thrown(first.write(1))).message).toContain("can't be renewed in time");
});

test("a checkpoint that keeps no lease changes nothing", async () => {
  const clock = createClock();
  const { lease, write, written } = await start(undefined, clock);
  await lease.take();
  await clock.advance(60 * SECOND);
  await write(1);
  await lease.release();
  expect(written).toEqual([["1"]]);
});

test("one whose time lies ahead, and that nobody renews, ends the start with what to do", async () => {
  const clock = createClock();
  const other: Holder = { ...thisProcess(), host: "elsewhere", token: "other", since: "2026" };
  const found = async (): Promise<Holding> => ({ holder: other, age: clock.now().steady - 3600 * SECOND });
  const lease = { claim: found, renew: found, find: found, release: async () => {} };
  const checkpoint = { ...memoryCheckpoint(), lease };
  await using ctx = await memoryContext(memorySource([]), memoryTarget(), {}, checkpoint);
  const taken = createLease(ctx, { clock, isRunning: () => undefined })
    .take()
    .catch((error: unknown) => error);
  await clock.advance(100 * SECOND);
  expect(await taken).toMatchObject({
    code: "ALREADY_RUNNING",
    hint: "see to the clocks; if that process has ended, remove the lease there",
  });
});
