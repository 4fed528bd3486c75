/** What a start finds, and what refuses it: asked by a run before it changes anything, and by `check`, which changes nothing. */
import { isFollowed } from "../checkpoint/nimoshake-status.ts";
import { openCheckpoint, type RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Adopted } from "../checkpoint/run-state.ts";
import { type Attempt, orThrow } from "../flow/attempt.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";
import { findNimoShake, refuseElsewhere } from "./adopt-nimoshake.ts";
import { checkAfterFull } from "./after-full.ts";
import { checkIndexes } from "./secondary-indexes.ts";
import { checkFollowing } from "./streams.ts";
import { refuseSwitchedOver } from "./switched-over.ts";
import { lookAtTarget } from "./target-looks.ts";
import type { Beginning, Place } from "./place.ts";
import { findPlaces } from "./target-tables.ts";

/** What a start goes on from. */
export interface Start {
  checkpoint: RunCheckpoint;
  /** Tables that are taken over from NimoShake. */
  adopted: Adopted[];
  places: Place[];
}

/**
 * Refuses tables that can't be kept or compared as the configuration wants it.
 *
 * @param attempt who hears of each refusal; default: the first of them is thrown
 * @throws MigrationError
 */
export async function checkTables(ctx: Context, tables: Table[], attempt: Attempt = orThrow): Promise<void> {
  await attempt(() => checkAfterFull(ctx, tables));
  await attempt(() => ctx.role("checkpoint").check?.(tables, ctx.signal));
  await attempt(() => ctx.role("target").check(tables, ctx.signal));
}

/**
 * Looks at the checkpoint and at the tables' places at the target; a run has the lease by then.
 *
 * @param attempt who hears of each refusal; default: the first of them is thrown
 * @returns undefined: the checkpoint can't be read, and that was heard
 * @throws MigrationError
 */
export async function findStart(
  ctx: Context,
  tables: Table[],
  beginning: Beginning,
  attempt: Attempt = orThrow,
): Promise<Start | undefined> {
  const follows = ctx.config.sync_mode !== "full";
  const { fresh } = beginning;
  if (follows) await attempt(() => checkFollowing(ctx));
  await using looks = lookAtTarget(ctx, tables);
  const followed = follows && !fresh ? isFollowed(ctx) : Promise.resolve(false);
  // Who asks hears of it.
  const heard = followed.catch(() => {});
  const opening = attempt(() => openCheckpoint(ctx, tables, fresh, attempt));
  // Nothing is asked behind its failure.
  const checkpoint = await opening.finally(() => heard);
  if (checkpoint === undefined) return undefined;
  if (beginning.joins !== true) await attempt(() => refuseSwitchedOver(checkpoint, beginning));
  // Also those that join a run that has begun.
  const unknown = tables.filter((table) => checkpoint.table(table).state === undefined);
  if (follows) await attempt(() => refuseTaken(ctx, tables, checkpoint));
  const taken =
    follows && !fresh ? await attempt(() => findNimoShake(ctx, unknown, followed, looks.find)) : [];
  const adopted = taken ?? [];
  if (follows && !fresh && !checkpoint.resumed) await attempt(() => refuseElsewhere(ctx, unknown, followed));
  const places = await findPlaces(ctx, tables, checkpoint, adopted, beginning, attempt, looks.find);
  await attempt(() => checkIndexes(ctx, places));
  return { checkpoint, adopted, places };
}

/** What is noted of a stream may be forgotten, with its place: that mustn't be somebody else's. */
async function refuseTaken(ctx: Context, tables: Table[], checkpoint: RunCheckpoint): Promise<void> {
  const unnoted = tables.filter((table) => checkpoint.table(table).state?.noted !== true);
  await ctx.role("checkpoint").checkPlaces?.(unnoted, ctx.signal);
}
