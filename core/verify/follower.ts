/** How far the run is that follows the table's stream while it is compared, in this process or another. */
import { setTimeout as sleep } from "node:timers/promises";
import { isOver, type ShardNote } from "../checkpoint/shard-note.ts";
import { openStreamCheckpoint } from "../checkpoint/stream-checkpoint.ts";
import { type HostProcess, isRunning as isProcessRunning } from "../host/process.ts";
import { RENOTE_LATEST, TIME_GRAIN } from "../incr/follow-shard.ts";
import { isUnapplied } from "../incr/spooled-stream.ts";
import type { Config } from "../config/config.ts";
import type { Context } from "../plugin/context.ts";
import { LEASE_TTL } from "../plugin/lease-lost.ts";
import type { Table } from "../types.ts";

const SECOND = 1000;
/** The children of a shard that has ended are noted within so long, in ms. */
const CHILDREN = 300 * SECOND;
/** A run that starts anew is there again within so long, in ms. */
const RESTART = 60 * SECOND;
/** A run that follows a table notes something of it far more often, unless it is paused; in ms. */
const STILL = 6 * RENOTE_LATEST;
/** What is noted is looked at so often, in ms; sooner where the run has just noted how far it is. */
const LOOK = SECOND / 2;
const LOOK_SOON = SECOND / 10;
/** Something is said of a wait that lasts so long. */
const TELL = 30 * SECOND;

/** Who follows a migration's tables: this process, nobody (it has the lease), or another process, as long as it has the lease. */
export type Follower = "ours" | "nobody" | "another";

/**
 * Makes who follows a table note how far it is applied, which one at rest does only now and then. Gives whether it has.
 *
 * @param pid of the process that follows, if it is one of this machine
 */
export type AskToNote = (table: string, pid?: number) => Promise<boolean>;

/** What {@link passed} takes. */
export interface Waiting {
  ctx: Context;
  table: Table;
  follower: Follower;
  /** What fails is no matter here: it is waited for without. Undefined: nobody can be asked. */
  note?: AskToNote | undefined;
}

/** Whether what the source is may come to the target some time. */
export function mayFollow({ config }: Context, follower: Follower): boolean {
  return follower !== "nobody" && config.sync_mode !== "full";
}

/**
 * Resolves when no run follows the table, or one has applied all that was written before a time (ms since 1970). One that
 * goes away is waited for, and so is one that stands still: it may be starting anew, or may follow other tables. That a
 * run is paused is known of this process only: it is waited for until it goes on.
 */
export async function passed({ ctx, table, follower, note }: Waiting, at: number): Promise<void> {
  if (!mayFollow(ctx, follower)) return;
  const began = Date.now();
  /** When the run was seen to be gone, and what was noted when something was noted last. */
  let goneSince: number | undefined;
  let noted = { text: "", since: began };
  let asking: Promise<boolean> | undefined;
  /** Waits before the next look, for an answer no longer than without one. @param holder who runs */
  async function pause(holder: HostProcess | undefined): Promise<void> {
    const options = { signal: ctx.signal };
    const pid = holder !== undefined && isProcessRunning(holder) ? holder.pid : undefined;
    if (follower === "ours" || holder !== undefined) {
      asking ??= note?.(table.name, pid)
        .catch(() => false)
        .finally(() => (asking = undefined));
    }
    const wait = sleep(LOOK, false, options).catch(() => false);
    if (await Promise.race([asking ?? wait, wait]))
      await sleep(LOOK_SOON, undefined, options).catch(() => {});
    else await wait;
  }

  for (let told = false; ;) {
    ctx.signal.throwIfAborted();
    const holder = follower === "ours" ? undefined : await findRun(ctx);
    const isThere = follower === "ours" || holder !== undefined;
    if (!isThere && !runsSeen.has(ctx.config)) return;
    goneSince = isThere ? undefined : (goneSince ?? Date.now());
    if (goneSince !== undefined && Date.now() - goneSince > RESTART) {
      runsSeen.delete(ctx.config);
      return ctx.log.warn(
        `the run has ended: what it hasn't applied counts as different, table ${table.name}`,
      );
    }
    const { shards, isUpTo } = await followed(ctx, table, at);
    if (shards === "" || isUpTo) return;
    const isPaused = follower === "ours" && ctx.progress.paused;
    if (isPaused || shards !== noted.text) noted = { text: shards, since: Date.now() };
    if (Date.now() - noted.since > STILL) {
      const paused = follower === "another" ? "; a run that is paused can't be compared" : "";
      return ctx.log.warn(
        `nothing of the table is followed any more, what isn't applied counts as different${paused}: table ${table.name}`,
      );
    }
    if (!told && Date.now() - began > TELL) {
      told = true;
      ctx.log.info(
        `waiting for the run to have applied what table ${table.name} was at ${new Date(at).toISOString()}`,
      );
    }
    await pause(holder);
  }
}

/** Of whom a run was seen that follows. */
const runsSeen = new WeakSet<Config>();

/** Whether a process has the migration's lease, and isn't known to have ended. */
export async function isRunning(ctx: Context): Promise<boolean> {
  return (await findRun(ctx)) !== undefined;
}

async function findRun(ctx: Context): Promise<HostProcess | undefined> {
  const found = await ctx.role("checkpoint").lease?.find?.();
  if (found === undefined || found.age >= LEASE_TTL || isProcessRunning(found.holder) === false)
    return undefined;
  runsSeen.add(ctx.config);
  return found.holder;
}

/** What is noted of a table's shards, as text, and whether all that was written before a time is applied. */
async function followed(
  ctx: Context,
  table: Table,
  at: number,
): Promise<{ shards: string; isUpTo: boolean }> {
  const stream = await openStreamCheckpoint(ctx, table);
  const notes = [...stream.shards.values()];
  const parents = new Set(notes.map(({ parent }) => parent));
  const isWaitedFor = (note: ShardNote): boolean => isOver(note) && !parents.has(note.id) && isRecent(note);
  const open = notes.filter((note) => !isOver(note));
  return {
    shards: notes.length === 0 ? "" : JSON.stringify([notes, [...stream.spooled]]),
    isUpTo:
      // What is on the disk waits to be applied, however new its times are.
      !isUnapplied(stream) &&
      open.length > 0 &&
      !notes.some(isWaitedFor) &&
      open.every((note) => isApplied(note, at)),
  };
}

/** Of a shard that has just ended, children may not be noted yet. */
function isRecent({ updatedAt }: ShardNote): boolean {
  return updatedAt !== undefined && Date.now() - updatedAt < CHILDREN;
}

/** Whether all that a shard had at a time is applied. */
function isApplied({ position, notedAt = 0, time = 0 }: ShardNote, at: number): boolean {
  // What is read and not applied begins there.
  if (position.at === "sequence" && position.inclusive) return false;
  return notedAt >= at || time >= at + TIME_GRAIN;
}
