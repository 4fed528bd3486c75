/** Processes that want one lease, with clocks of their own, and a store that is slow, or out of reach, for each of them. */
import { MigrationError } from "../../core/errors.ts";
import type { Holder, Holding, LeaseKeeper } from "../../core/plugin/roles.ts";
import { createLease, type Lease } from "../../core/run/lease.ts";
import type { OwnedContext } from "../../core/run/context.ts";
import { LEASE_TTL } from "../../core/plugin/lease-lost.ts";
import { memoryCheckpoint, memoryContext, memorySource, memoryTarget } from "../fakes/context.ts";
import type { FakeTime } from "./time.ts";

/** So long after a write may begin it has ended: the rest of the time that the lease surely lasts. */
const WRITES_FOR = (LEASE_TTL * 2) / 3;

/** What is asked is at the store after this part of the time to the answer. */
export const WAY: number = 1 / 10;

/** What all processes share. */
export interface LeaseStore {
  held: { holder: Holder; renewedAt: number } | undefined;
  /** By token up to when its writes may be on their way. */
  writing: Map<string, number>;
  /** Tokens of processes that are over. */
  dead: Set<string>;
  /** What must not be. */
  faults: string[];
}

/** One process. */
export interface LeaseProcess {
  ctx: OwnedContext;
  lease: Lease;
  readonly token: string | undefined;
  /** Where it was refused, or what it has failed with. */
  failure: unknown;
  hasLease: boolean;
  /** Nothing of it runs until it is thawed; a machine that sleeps has a clock that stands still, too. */
  freeze(isAsleep: boolean): void;
  thaw(): void;
  /** Sets its machine's clock. */
  setWall(by: number): void;
  /** The store answers it so late, in ms; undefined: not at all. */
  latency: number | undefined;
  /** Wants to write; says so where it mustn't. */
  write(): Promise<void>;
  /** Nothing more of it happens. */
  kill(): void;
}

/** Begins one, which isn't frozen. @param isLocal whether others see that it is dead */
export async function leaseProcess(
  store: LeaseStore,
  time: FakeTime,
  isLocal: boolean,
): Promise<LeaseProcess> {
  let [asleepSince, slept, shift] = [undefined as number | undefined, 0, 0];
  let thawed: PromiseWithResolvers<void> | undefined;
  let isKilled = false;
  let token: string | undefined;

  /** Resumes the process: not while it is frozen, and never when it is killed. */
  async function resumed(): Promise<void> {
    for (let frozen = thawed; frozen !== undefined; frozen = thawed) await frozen.promise;
    if (isKilled) await new Promise(() => {});
  }
  /** Asks the store: what it is asked comes there, or its answer comes back, late or never. */
  async function ask<T>(work: () => T): Promise<T> {
    const { latency } = self;
    await time.sleep((latency ?? 0) * WAY);
    const answer = latency === undefined ? undefined : work();
    await time.sleep((latency ?? 1000) * (1 - WAY));
    await resumed();
    if (latency === undefined) throw new MigrationError("CHECKPOINT_FAILED", "the store is away");
    return answer as T;
  }
  const holding = (): Holding => ({ holder: store.held!.holder, age: time.now() - store.held!.renewedAt });

  function give(ours: Holder): void {
    const before = store.held?.holder.token;
    const until = before === undefined ? 0 : (store.writing.get(before) ?? 0);
    if (before !== undefined && before !== ours.token && !store.dead.has(before) && until > time.now())
      store.faults.push(`${ours.token} gets it while ${before} may write for ${until - time.now()} ms`);
    store.held = { holder: ours, renewedAt: time.now() };
  }

  const keeper: LeaseKeeper = {
    claim(ours, { ttl, over }) {
      ({ token } = ours);
      return ask(() => {
        const has = store.held?.holder.token;
        if (has === undefined || has === ours.token || has === over || holding().age > ttl) give(ours);
        return holding();
      });
    },
    renew: (ours) =>
      ask(() => {
        if (store.held?.holder.token === ours.token) store.held.renewedAt = time.now();
        return store.held && holding();
      }),
    release: (ours) =>
      ask(() => {
        if (store.held?.holder.token === ours.token) store.held = undefined;
      }),
  };

  const ctx = await memoryContext(
    memorySource([]),
    memoryTarget(),
    {},
    { ...memoryCheckpoint(), lease: keeper },
  );
  const clock = {
    now: () => ({ steady: (asleepSince ?? time.now()) - slept, wall: time.now() + shift }),
    async sleep(ms: number, signal: AbortSignal) {
      const aborted = new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true }),
      );
      if (!signal.aborted) await Promise.race([time.sleep(ms), aborted]);
      await resumed();
    },
  };
  const isRunning = (holder: Holder): boolean | undefined =>
    isLocal ? !store.dead.has(holder.token) : undefined;
  const lease = createLease(ctx, { clock, isRunning });

  const self: LeaseProcess = {
    ctx,
    lease,
    get token() {
      return token;
    },
    failure: undefined,
    hasLease: false,
    latency: 2,
    freeze(isAsleep) {
      thawed ??= Promise.withResolvers();
      // One of the two clocks has to be right.
      if (isAsleep && shift >= 0) asleepSince ??= time.now();
    },
    thaw() {
      if (asleepSince !== undefined) slept += time.now() - asleepSince;
      asleepSince = undefined;
      thawed?.resolve();
      thawed = undefined;
    },
    setWall(by) {
      if (by > 0 || (slept === 0 && asleepSince === undefined)) shift += by;
    },
    async write() {
      if (thawed !== undefined || isKilled) return;
      await lease.hold();
      if (thawed !== undefined || isKilled || token === undefined) return;
      if (store.held?.holder.token !== token) store.faults.push(`${token} writes without it`);
      store.writing.set(token, time.now() + WRITES_FOR);
    },
    kill() {
      isKilled = true;
      if (token !== undefined) store.dead.add(token);
    },
  };
  return self;
}
