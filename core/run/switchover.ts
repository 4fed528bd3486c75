/** The switch-over: all that was written until a moment is applied and saved, and the run ends. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { Gate } from "../flow/gate.ts";
import { inParallel } from "../flow/parallel.ts";
import { followedNow, isAtTip, lookForShards } from "../incr/at-tip.ts";
import type { Context } from "../plugin/context.ts";
import type { SwitchoverProgress } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import { checkComparable, type Verdict } from "../verify/verify.ts";
import { compareFollowed } from "./after-full.ts";
import type { OwnedContext } from "./context.ts";
import type { Newcomers } from "./newcomers.ts";
import type { SwitchoverOptions } from "./control.ts";
import { SWITCHED_OVER } from "./session.ts";
import type { StreamFollower } from "./streams.ts";
import { waitingText, type WaitingTeller } from "./switchover-waiting.ts";

/** How often it is looked whether all are at their tips, in ms. */
const LOOK = 100;
/** After a look for shards that failed or found some, in ms. */
const LOOK_AGAIN = 1000;
/** Listings at once; the source has a limit of its own for them. */
const LISTINGS = 8;

/** A run whose tables are followed. */
export interface FollowedRun {
  tables: Table[];
  follower: StreamFollower;
  /** Undefined: nobody looks for new tables. */
  newcomers?: Pick<Newcomers, "look"> | undefined;
  /** A comparison that is going on anyway. */
  verifying: Promise<void> | undefined;
  /** Told what a comparison before the switch-over has found. */
  onVerified: (verdict: Verdict) => void;
}

/** A run as it is steered; it goes on being filled in. */
export interface SteeredRun {
  ctx: OwnedContext;
  /** The context's own. */
  config: Config;
  tables?: Table[];
  followed?: FollowedRun;
}

/** What a switch-over works with. */
export interface Switching {
  ctx: Context;
  gate: Gate;
  /** Undefined: the tables aren't known yet. */
  tables: () => Table[] | undefined;
  /** Undefined: not all tables are followed yet. */
  followed: () => FollowedRun | undefined;
  tell: WaitingTeller;
  /** Aborted when it is given up, or the run stops. */
  signal: AbortSignal;
  /** Of the run. */
  progress: SwitchoverProgress;
}

/**
 * Waits until all that was written is applied, compares if that is asked for, and stops the run.
 *
 * @returns what a comparison has found; `isDifferent`: the run goes on
 * @throws the signal's reason; what a comparison fails with
 */
export async function switchOver(
  switching: Switching,
  { verify }: Pick<SwitchoverOptions, "verify">,
): Promise<Verdict | undefined> {
  const { ctx, progress, tell } = switching;
  if (verify !== undefined) checkComparable(ctx, await known(switching, switching.tables), false);
  const run = await known(switching, switching.followed);
  using _hurry = run.follower.hurry();
  let verdict: Verdict | undefined;
  let since = progress.at;
  await lookForTables(switching, run);
  if (verify !== undefined) {
    await caughtUp(switching, run, since);
    tell({ stage: "comparing", tables: run.tables.map(({ name }) => name), text: "comparing both sides" });
    verdict = await compared(switching, run, verify);
    if (verdict.isDifferent) return verdict;
    // Also what was written while it compared.
    since = Date.now();
    await lookForTables(switching, run);
  }
  for (const seen: Seen = new Map(); ;) {
    await caughtUp(switching, run, since, seen);
    if (await ended(switching, run, since)) return verdict;
  }
}

/** What was written until now may be in a table that nobody has seen yet: one look has to succeed. */
async function lookForTables({ ctx, tell, signal }: Switching, run: FollowedRun): Promise<void> {
  if (run.newcomers === undefined) return;
  for (;;) {
    const look = await raced(run.newcomers.look(), signal);
    if (look === "looked") return;
    if (look === "denied") {
      ctx.log.warn(
        "new tables can't be looked for, it is denied: what is in tables made since the start isn't switched over",
      );
      return;
    }
    const paused = ctx.progress.paused ? "; the run is paused" : "";
    tell({ stage: "catching up", tables: [], text: `looking for new tables${paused}` });
    await sleep(LOOK_AGAIN, undefined, { signal }).catch(() => {});
  }
}

/** Waits for what is known only later. */
async function known<T>({ ctx, tell, signal }: Switching, of: () => T | undefined): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const found = of();
    if (found !== undefined) return found;
    const isOnlyFollowed = ctx.config.sync_mode === "incr";
    tell(waitingText({ stage: "copying", progress: ctx.progress, isOnlyFollowed }));
    await sleep(LOOK, undefined, { signal }).catch(() => {});
  }
}

/** By table the shards that were followed when its shards were listed last. */
type Seen = Map<string, string>;

/**
 * Waits until every table is at its tip by requests sent after a time, and no further shard is listed.
 *
 * @param seen what was listed since then
 */
async function caughtUp(
  switching: Switching,
  run: FollowedRun,
  since: number,
  seen: Seen = new Map(),
): Promise<void> {
  const { ctx, tell, signal } = switching;
  for (;;) {
    signal.throwIfAborted();
    const behind = tablesBehind(run, since);
    if (behind.length === 0) {
      if (await noFurtherShards(run, seen, signal)) return;
    }
    tell(waitingText({ stage: "catching up", progress: ctx.progress, behind }));
    await sleep(behind.length === 0 ? LOOK_AGAIN : LOOK, undefined, { signal }).catch(() => {});
  }
}

function tablesBehind({ tables, follower }: FollowedRun, since: number): string[] {
  const names = tables.map(({ name }) => name);
  return names.filter((name) => {
    const stream = follower.followed(name);
    return stream === undefined || !isAtTip(stream, since);
  });
}

/** Lists the tables' shards, those of a table once as long as it follows the same ones. */
async function noFurtherShards(
  { tables, follower }: FollowedRun,
  seen: Seen,
  signal: AbortSignal,
): Promise<boolean> {
  const results = await inParallel(tables, LISTINGS, async ({ name }) => {
    const stream = follower.followed(name);
    if (stream === undefined || signal.aborted) return false;
    const before = followedNow(stream);
    if (seen.get(name) === before) return true;
    const now = await lookForShards(stream);
    if (now !== undefined) seen.set(name, now);
    return now === before && stream.progress.waiting.size === 0;
  });
  return results.every(Boolean);
}

/**
 * Lets all come to rest, with what was read applied and saved, and looks once more: nothing can change any more then.
 *
 * @returns whether the run ends; otherwise it goes on
 */
async function ended(
  { ctx, gate, tell, signal, progress }: Switching,
  run: FollowedRun,
  since: number,
): Promise<boolean> {
  tell({ stage: "ending", tables: [], text: "all is applied: saving it" });
  const closing = gate.close();
  try {
    await raced(closing.atRest, signal);
    // Who has lost the lease hears it here.
    await raced(Promise.resolve(ctx.mayWrite()), signal);
    if (tablesBehind(run, since).length > 0) return false;
    progress.isDone = true;
    ctx.stop(SWITCHED_OVER);
    return true;
  } finally {
    // Who is let in after the end finds that the run has stopped.
    closing.open();
  }
}

/** Compares while the run goes on. */
async function compared(
  { ctx, signal }: Switching,
  { tables, follower, verifying, onVerified }: FollowedRun,
  asked: NonNullable<SwitchoverOptions["verify"]>,
): Promise<Verdict> {
  if (verifying !== undefined) await raced(verifying, signal);
  const verdict = await compareFollowed(ctx, [...tables], asked, follower.note, signal);
  onVerified(verdict);
  return verdict;
}

/** Waits for work, or until the signal comes; its reason is thrown. */
async function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
