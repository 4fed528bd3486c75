/** Who has the migration's lease, and whether a start would be refused because of it. The lease isn't taken. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../plugin/context.ts";
import { LEASE_TTL } from "../plugin/lease-lost.ts";
import type { Holding } from "../plugin/roles.ts";
import { alreadyRunning, isHolderRunning, RENEWAL } from "../run/lease.ts";
import type { LeasePlan } from "./plan.ts";
import { type Problems, problemOf } from "./problems.ts";

const SECOND = 1000;
/** How often it is looked at, in ms. */
const LOOK = 250;
/** A renewal comes by then, in ms: a live process is seen to renew it. */
const PATIENCE: number = RENEWAL + SECOND;

/** Looks, for some seconds where nobody here can tell whether the holder lives. */
export async function findLease(
  ctx: Context,
  problems: Problems,
  patience: number = PATIENCE,
): Promise<LeasePlan | null> {
  const { lease, place } = ctx.role("checkpoint");
  const find = (): Promise<Holding | undefined> => lease?.find?.() ?? Promise.resolve(undefined);
  const first = await find();
  if (first === undefined) return null;
  let last: Holding | undefined = first;
  let state = stateOf(first);
  const isRenewed = (found: Holding): boolean =>
    found.age < last!.age || found.holder.token !== first.holder.token;
  for (let left = patience; state === "silent" && left > 0; left -= LOOK) {
    await sleep(LOOK, undefined, { signal: ctx.signal });
    const found = await find();
    if (found === undefined) return null;
    state = isRenewed(found) ? "running" : stateOf(found);
    last = found;
  }
  const { holder, age } = last;
  if (state === "running") problems.add(problemOf(alreadyRunning(ctx.config.id, holder, place)));
  const { pid, host, since } = holder;
  return { pid, host, since, ageSeconds: Math.round(age / SECOND), state };
}

/** What one look tells: silent as long as it isn't known whether the holder runs. */
function stateOf({ holder, age }: Holding): LeasePlan["state"] {
  if (age >= LEASE_TTL) return "expired";
  const alive = isHolderRunning(holder);
  if (alive === false) return "dead";
  return alive === true && age < RENEWAL + SECOND ? "running" : "silent";
}
