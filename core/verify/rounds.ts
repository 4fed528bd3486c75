/**
 * Keys whose two sides weren't equal are looked at again, round by round, after the run that follows the table has
 * applied what the last look saw: only what stays is a difference.
 */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import type { Table } from "../types.ts";
import type { Faults } from "./faults.ts";
import { type AskToNote, type Follower, mayFollow, passed } from "./follower.ts";
import type { Pending } from "./key-file.ts";
import { createLineFile, type LineFile, readLineFile } from "./line-file.ts";
import { look, type Look } from "./look.ts";
import { repairKeys, type RepairOptions } from "./repair.ts";

/** What the looks take. */
export interface Rounds {
  ctx: Context;
  table: Table;
  stored: Stored;
  /** For keys that wait for their next look. */
  folder: string;
  /** Of an item, in the mean. */
  itemBytes: number;
  /** At least so long between two looks, in ms. */
  settle: number;
  /** Who follows the table meanwhile. */
  follower: Follower;
  /** Makes who follows note how far he is. */
  note?: AskToNote | undefined;
  /** What is done about what stays different. */
  repair?: RepairOptions | undefined;
}

/** What came of the looks. */
export interface Outcome {
  /** They were looked at. */
  looked: number;
  /** Equal at some look, or they have come to what the source was at an earlier one. */
  settled: number;
  /** They changed from look to look. */
  undecided: number;
}

/** As many as BatchGetItem takes. */
const BATCH = 100;
/** Long looks say how far they are so often, in ms. */
const TELL = 10_000;
/** A look holds about so many bytes of items, as they come. */
const LOOK_BYTES = 1024 * 1024;
/** Where many keys have to be looked up at once. */
const LARGE_LOOK_BYTES = 16 * 1024 * 1024;
/** While a run follows, both sides have to be the same at so many looks after the first: a key may go to and fro. */
const SAME_LOOKS = 3;
/** A target that stays as it is at so many looks, whatever the source is, gets no changes. */
const STILL_LOOKS = 6;
/** Who changes all the time isn't looked at for ever. */
const MOST_ROUNDS = 12;

/**
 * Looks at keys until all of them are decided; repairs those that stay different, if that is asked for, and looks at
 * them again.
 *
 * @param first the file of the keys, all to be looked at for the first time
 */
export async function lookAgain(rounds: Rounds, first: string, faults: Faults): Promise<Outcome> {
  const { ctx, table, stored, folder, repair } = rounds;
  if (repair === undefined) return untilDecided(rounds, first, (looks) => faults.add(looks));
  const repaired = await createLineFile<Pending>(join(folder, "repaired.jsonl"));
  try {
    const outcome = await untilDecided(rounds, first, async (looks) => {
      const left = looks.filter((each) => !faults.isExpired(each));
      const mending = await repairKeys(ctx, table, stored, left, repair);
      await faults.add(looks, mending);
      await repaired.add([...mending.keys()].map(({ key }) => ({ key })));
    });
    await repaired.close();
    const again = await untilDecided(rounds, repaired.path, (looks) => faults.add(looks));
    return { ...outcome, undecided: outcome.undecided + again.undecided };
  } catch (error) {
    await repaired.close().catch(() => {});
    throw error;
  }
}

async function untilDecided(
  rounds: Rounds,
  first: string,
  onDifferent: (looks: Look[]) => Promise<void>,
): Promise<Outcome> {
  const { ctx, table, folder, settle } = rounds;
  const outcome: Outcome = { looked: 0, settled: 0, undecided: 0 };
  let path = first;
  let waiting = 0;
  for (let round = 0; ; round++) {
    const left = await createLineFile<Pending>(join(folder, "left.jsonl"));
    try {
      await lookOnce(rounds, { path, count: waiting }, left, outcome, onDifferent);
    } finally {
      await left.close();
    }
    const at = Date.now();
    if (left.count === 0) return outcome;
    if (round === MOST_ROUNDS) {
      outcome.undecided = left.count;
      return outcome;
    }
    path = join(folder, "again.jsonl");
    await rename(left.path, path);
    waiting = left.count;
    const keys = `${left.count} ${left.count === 1 ? "key" : "keys"}`;
    ctx.log.debug(`table ${table.name}: ${keys} will be looked at again`);
    // At uneven distances: a key may go to and fro at even ones.
    await sleep(settle * (0.7 + 0.6 * Math.random()), undefined, { signal: ctx.signal });
    await passed(rounds, at);
  }
}

/** One look at each; those that are not decided go on. */
async function lookOnce(
  rounds: Rounds,
  { path, count }: { path: string; count: number },
  left: LineFile<Pending>,
  outcome: Outcome,
  onDifferent: (looks: Look[]) => Promise<void>,
): Promise<void> {
  const { ctx } = rounds;
  const size = keysAtOnce(rounds);
  const concurrency = rounds.stored.keysAtOnce === undefined ? ctx.config["verify.concurrency"] : 1;
  let looked = 0;
  let told = Date.now();
  for await (const entries of readLineFile<Pending>(path, size * concurrency)) {
    const batches = Array.from({ length: Math.ceil(entries.length / size) }, (_, i) =>
      entries.slice(i * size, (i + 1) * size),
    );
    await inParallel(batches, concurrency, async (batch) => {
      ctx.signal.throwIfAborted();
      const { different, again } = await decide(rounds, batch, outcome);
      if (different.length > 0) await onDifferent(different);
      if (again.length > 0) await left.add(again);
    });
    looked += entries.length;
    if (Date.now() - told < TELL) continue;
    told = Date.now();
    const of = count > 0 ? ` of ${count}` : "";
    ctx.log.info(`looked at ${looked}${of} keys once more: table ${rounds.table.name}`);
  }
}

/** So that a look's items don't fill the memory. */
function keysAtOnce({ stored, itemBytes }: Rounds): number {
  const bytes = stored.keysAtOnce === undefined ? LOOK_BYTES : LARGE_LOOK_BYTES;
  return Math.max(1, Math.min(stored.keysAtOnce ?? BATCH, Math.floor(bytes / Math.max(1, itemBytes))));
}

async function decide(
  { ctx, table, stored, follower }: Rounds,
  batch: Pending[],
  outcome: Outcome,
): Promise<{ different: Look[]; again: Pending[] }> {
  const keys = batch.map(({ key }) => key);
  const live = mayFollow(ctx, follower);
  const different: Look[] = [];
  const again: Pending[] = [];
  for (const [i, now] of (await look(ctx, table, stored, keys)).entries()) {
    const before = batch[i]!;
    const isFirst = before.source === undefined;
    if (isFirst) outcome.looked++;
    const stays = !isFirst && before.target === now.target;
    const same = stays && before.source === now.source ? (before.same ?? 0) + 1 : 0;
    const still = stays ? (before.still ?? 0) + 1 : 0;
    // What the source was at the last look it has come to since: what it is by now is on its way.
    const isOnItsWay = live && !isFirst && now.target === before.source;
    // Where nobody follows, what isn't equal at two looks never will be.
    const isDecided = live ? same >= SAME_LOOKS || still >= STILL_LOOKS : stays;
    if (now.isEqual || isOnItsWay) outcome.settled++;
    else if (now.isSkipped) outcome.undecided += Number(now.found.length > 0);
    else if (isDecided) different.push(now);
    else again.push({ key: now.key, source: now.source, target: now.target, same, still });
  }
  return { different, again };
}
