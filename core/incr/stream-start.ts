/** From where a table's stream is to be read, as its state says, and whether that can be had at all. */
import type { TableCheckpoint, TableState } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { type CopyStart, isReached, unreached } from "../checkpoint/copy-start.ts";
import { type MigrationError, streamGap } from "../errors.ts";
import { refuseExpired } from "./shard-age.ts";
import { createShardTree } from "./shard-tree.ts";
import { openStreamCheckpoint } from "../checkpoint/stream-checkpoint.ts";
import type { Table } from "../types.ts";

/** From where a stream is read: its positions must be noted already; or, unless they are, from now or a copy's begin. */
export type Start = "noted" | "now" | CopyStart;

/** From where a table's stream is read. */
export async function startOf(ctx: Context, table: Table, checkpoint: TableCheckpoint): Promise<Start> {
  const { state } = checkpoint;
  if (state === undefined) return "now";
  if (state.noted) return "noted";
  const isOnlyFollowed = state.units === 0;
  if (isOnlyFollowed || (await isUnwritten(ctx, table, checkpoint))) return "now";
  return state.copy ?? "noted";
}

/**
 * Whether what is noted of a stream isn't to be gone on with: it is of another copy, or of an opening that was cut off
 * before all of it was saved. Then nothing is copied yet. An older version didn't note the key, nor that it had opened.
 */
export function isLeftOver(state: TableState | undefined, start: Start): boolean {
  if (state === undefined) return false;
  const { copy, noted, key, units } = state;
  if (copy !== undefined || noted === false) return true;
  return start === "now" && !noted && units > 0 && key !== undefined;
}

/**
 * Whether nothing of a table's copy is written: what was changed before now is in none of it. That nothing is saved of
 * its units doesn't tell, for a page is written first; nor that no item was read, for a segment may have none.
 */
export async function isUnwritten(ctx: Context, table: Table, checkpoint: TableCheckpoint): Promise<boolean> {
  const { state } = checkpoint;
  if (state?.stage !== "copying") return false;
  const units = ctx.role("source").units(table, state.units);
  if (units.some((unit) => checkpoint.unit(unit) !== undefined)) return false;
  // What is copied again is written over from its begin, and what is gone is deleted.
  return state.round !== undefined || (await ctx.role("target").count(table, ctx.signal)) === 0;
}

/**
 * Refuses a table whose stream doesn't reach back so far, before anything is changed.
 *
 * @throws MigrationError STREAM_GAP
 */
export async function refuseLost(ctx: Context, table: Table, checkpoint: TableCheckpoint): Promise<void> {
  const start = await startOf(ctx, table, checkpoint);
  if (typeof start === "object" && !isReached(start, table.stream)) throw unreached(table, start);
  if (isLeftOver(checkpoint.state, start)) return;
  const { shards, spooled, stream: was } = await openStreamCheckpoint(ctx, table);
  const { stream: is } = table;
  if (shards.size === 0 && start === "noted") throw unreached(table);
  if (shards.size > 0 && was !== undefined && is !== undefined && was !== is) throw madeAnew(table, was, is);
  for (const id of createShardTree(shards.values()).ready()) {
    if (!spooled.has(id)) refuseExpired(table, shards, shards.get(id)!);
  }
}

/** The error for positions in a stream that is another one now. */
export function madeAnew({ name }: Table, was: string, is: string): MigrationError {
  return streamGap(`the stream was disabled and made anew, it was ${was} and is ${is}: table ${name}`);
}
