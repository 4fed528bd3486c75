/**
 * One process a migration, on any host: who has the lease beside the checkpoint writes, and who has lost it, paused or
 * cut off, writes neither data nor positions after it.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { isRunning, thisProcess } from "../host/process.ts";
import type { Holder, Holding } from "../plugin/roles.ts";
import { described, LEASE_TTL, leaseLost } from "../plugin/lease-lost.ts";

const SECOND = 1000;
/** It is renewed so often in that time. */
const RENEWALS = 6;
/** So often, in ms. */
export const RENEWAL: number = LEASE_TTL / RENEWALS;
/** Who waits for a holder that may be dead looks so often in the time of one renewal. */
const LOOKS = 10;
/** This part of the time a write may be sent: by the end of the rest a server has done it, or given it up. */
const TRUST = 1 / 3;
/** Who watches a lease whose time lies ahead does so for so many times its length. */
const WATCHED = 2;
/** No store answers, or fails, after so many times the patience: who hears it then was paused meanwhile. */
const SLEPT = 2;

/** A moment by both clocks: one stands still while the machine sleeps, the other may be set. */
export interface Moment {
  steady: number;
  wall: number;
}

/** The time, for tests to make. */
export interface LeaseClock {
  now(): Moment;
  /** Ends early, without an error, when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What {@link createLease} takes beside the context. */
export interface LeaseOptions {
  /** How long a lease lasts that isn't renewed, in ms; default 30 s. */
  ttl?: number;
  clock?: LeaseClock;
  /** Whether another holder still runs; undefined: nobody can tell. */
  isRunning?: (holder: Holder) => boolean | undefined;
}

/** See the top of the file. */
export interface Lease {
  /**
   * Takes it; from then on it is renewed. Nothing when it is taken already, or when the checkpoint can't keep one.
   *
   * @throws MigrationError ALREADY_RUNNING when another process has it
   */
  take(): Promise<void>;
  /**
   * To be called before every write. Waits while it is in doubt whether the lease is still one's own; who waits goes
   * on in the order of the calls. Fails with ALREADY_RUNNING when it is lost.
   */
  hold(): void | Promise<void>;
  /**
   * Gives it back; it is free at once, unless something was given up and may still come. Called when nobody writes any more,
   * or waits to.
   */
  release(): Promise<void>;
}

/** Runs in this process that have a lease, want one, or have left it to its time: they are told apart by their tokens alone. */
const running = new Set<string>();

/** Makes a run's. */
export function createLease(ctx: Context, options: LeaseOptions = {}): Lease {
  const { ttl = LEASE_TTL, clock = CLOCK } = options;
  const isAlive = options.isRunning ?? isHolderRunning;
  const { id } = ctx.config;
  const ours: Holder = { ...thisProcess(), token: randomUUID(), since: new Date().toISOString() };
  const ended = new AbortController();
  /** When the renewal was sent that was answered last. */
  let renewedAt: Moment | undefined;
  let renewing: Promise<void> | undefined;
  let keeping: Promise<void> | undefined;
  /** Those who want to write wait for it. */
  let doubt: Promise<void> | undefined;
  let lost: MigrationError | undefined;

  const age = (since: Moment): number => {
    const { steady, wall } = clock.now();
    return Math.max(steady - since.steady, wall - since.wall);
  };
  const isFresh = (): boolean => renewedAt !== undefined && age(renewedAt) < ttl * TRUST;

  /** Takes the lease when nobody has it, or nobody any more. A holder that may be dead is watched. */
  async function claim(): Promise<void> {
    const { lease, place } = ctx.role("checkpoint");
    let seen: Holding | undefined;
    // One that has expired is given at once, and who had it isn't told then.
    const left = await lease!.find?.();
    if (left !== undefined && isAlive(left.holder) === false) await outlast(left.holder);
    const began = clock.now();
    for (let dead: string | undefined; ;) {
      const sent = clock.now();
      const found = await lease!.claim(ours, { ttl, ...(dead !== undefined && { over: dead }) });
      const { holder } = found;
      if (holder.token === ours.token) {
        renewedAt = sent;
        return;
      }
      const other = seen !== undefined && seen.holder.token !== holder.token;
      if (other || (seen !== undefined && found.age < seen.age)) throw alreadyRunning(id, holder, place);
      // A clock was set back since, or somebody has made it by hand: it would be free only when that time has come.
      if (found.age < 0 && age(began) > ttl * WATCHED) throw fromTheFuture(id, found, place);
      if (seen === undefined)
        ctx.log.info(`${described(holder)} has the lease: seeing whether it still runs`);
      seen = found;
      const known = dead;
      dead = isAlive(holder) === false ? holder.token : undefined;
      // Before it is taken over: who is killed meanwhile leaves it as it was, and the next one waits, too.
      if (dead !== undefined && dead !== known && holder.token !== left?.holder.token) await outlast(holder);
      if (dead === known) await clock.sleep(ttl / RENEWALS / LOOKS, ctx.signal);
      ctx.signal.throwIfAborted();
    }
  }

  /** Waits until nothing can come any more of what a dead process has sent. */
  async function outlast(dead: Holder): Promise<void> {
    await Promise.all((["target", "checkpoint"] as const).map((role) => ctx.role(role).outlast?.(dead)));
    ctx.signal.throwIfAborted();
  }

  function renew(): Promise<void> {
    return (renewing ??= renewOnce().finally(() => (renewing = undefined)));
  }

  async function renewOnce(): Promise<void> {
    const sent = clock.now();
    const found = await ctx.role("checkpoint").lease!.renew(ours);
    if (found?.holder.token === ours.token) renewedAt = sent;
    else {
      lost = leaseLost(id, found?.holder);
      ctx.stop(lost);
      throw lost;
    }
  }

  async function keep(): Promise<void> {
    while (!ended.signal.aborted) {
      await clock.sleep(ttl / RENEWALS, ended.signal);
      if (ended.signal.aborted || lost !== undefined) return;
      // Who wants to write tries it again, and hears why it fails.
      await renew().catch(() => {});
    }
  }

  /** Renews until it has come in time; what the store fails with is thrown when patience is over. */
  async function renewed(): Promise<void> {
    let failure: unknown;
    for (let began = clock.now(); !isFresh();) {
      if (age(began) > ctx.patience) throw failure ?? outOfReach(id, ctx.role("checkpoint").place);
      const sent = clock.now();
      try {
        await renew();
      } catch (error) {
        if (lost !== undefined || ctx.signal.aborted) throw error;
        failure = error;
        await clock.sleep(ttl / RENEWALS / LOOKS, ctx.signal);
      }
      if (age(sent) > ctx.patience * SLEPT) began = clock.now();
    }
  }

  return {
    async take() {
      if (keeping !== undefined || ctx.role("checkpoint").lease === undefined) return;
      running.add(ours.token);
      await claim();
      keeping = keep();
    },
    hold() {
      if (lost !== undefined) return Promise.reject(lost);
      if (keeping === undefined || (doubt === undefined && isFresh())) return;
      // Until all who waited have gone on, nobody overtakes them.
      return (doubt ??= renewed().finally(() => setImmediate(() => (doubt = undefined))));
    },
    async release() {
      ended.abort();
      await keeping;
      const isHeld = keeping !== undefined && lost === undefined;
      // What was given up may still be on its way: nobody begins before the time is over, not in this process either.
      if (isHeld && ctx.abandon.aborted) return;
      running.delete(ours.token);
      if (!isHeld) return;
      try {
        await ctx.role("checkpoint").lease!.release(ours);
      } catch (error) {
        const why = (error as Error).message;
        ctx.log.warn(`the lease of id = ${id} couldn't be given back, it ends in ${ttl / SECOND} s: ${why}`);
      }
    },
  };
}

/** The error of a start that another process is in the way of. */
export function alreadyRunning(id: string, holder: Holder, place: string): MigrationError {
  return new MigrationError(
    "ALREADY_RUNNING",
    `id = ${id} is running already: ${described(holder)}, lease in ${place}`,
    { hint: "wait for it, stop it there, or give this one another id" },
  );
}

function fromTheFuture(id: string, { holder, age }: Holding, place: string): MigrationError {
  const ahead = Math.ceil(-age / SECOND);
  return new MigrationError(
    "ALREADY_RUNNING",
    `the lease of id = ${id} was renewed ${ahead} s from now, and by nobody since: ${described(holder)}, lease in ${place}`,
    { hint: "see to the clocks; if that process has ended, remove the lease there" },
  );
}

function outOfReach(id: string, place: string): MigrationError {
  return new MigrationError(
    "CHECKPOINT_FAILED",
    `the lease of id = ${id} can't be renewed in time: ${place}`,
    {
      hint: "see that the checkpoint's server answers within seconds, then start again",
    },
  );
}

/** Whether a holder is known to run; undefined: nobody here can tell. */
export function isHolderRunning(holder: Holder): boolean | undefined {
  const alive = isRunning(holder);
  return alive === true && holder.pid === process.pid ? running.has(holder.token) : alive;
}

const CLOCK: LeaseClock = {
  now: () => ({ steady: performance.now(), wall: Date.now() }),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};
