/** The parts under which a table's stream is kept: NimoShake's rows, and beside them what is our own. */
import * as v from "valibot";
import { valuesOf } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { decodeRow } from "./nimoshake-rows.ts";
import type { ShardNote } from "./shard-note.ts";
import type { Table } from "../types.ts";

/** Which stream it is. */
export const STREAM = "stream";
/** What a shard's row has no place for. */
export const SHARD = "shard:";
/** How far a shard is spooled. */
export const SPOOL = "spool:";
/** Shards that are over and forgotten. */
export const GONE = "gone";

/** Which stream it is, as it is saved. */
export const streamSchema: v.GenericSchema<unknown, { stream: string }> = v.object({ stream: v.string() });
/** What a row has no place for. */
type OwnNote = { notedAt: number; since?: number | undefined };
const ownSchema: v.GenericSchema<unknown, OwnNote> = v.object({
  notedAt: v.number(),
  since: v.optional(v.number()),
});
/** How far a shard is spooled, as it is saved. */
export const spoolSchema: v.GenericSchema<unknown, { readUpTo: string }> = v.object({ readUpTo: v.string() });

/** The names under which a table's stream is kept. */
export const namesOf = ({ name }: Pick<Table, "name">): { rows: string; own: string } => ({
  rows: `shards:${name}`,
  own: `stream:${name}`,
});

/** Whether a table's stream was noted by us; NimoShake keeps nothing in our place. */
export async function isStreamNoted(ctx: Context, table: Pick<Table, "name">): Promise<boolean> {
  return (await ctx.role("checkpoint").load(namesOf(table).own)).has(STREAM);
}

/** Whether {@link isStreamNoted} may be so, by the names under which anything is kept; undefined: nobody knows them. */
export function mayStreamBeNoted(kept: ReadonlySet<string> | undefined, table: Pick<Table, "name">): boolean {
  return kept === undefined || kept.has(namesOf(table).own);
}

/** Forgets what is noted of a table's stream, if there is something. */
export async function forgetStream(ctx: Context, table: Pick<Table, "name">): Promise<void> {
  const store = ctx.role("checkpoint");
  const { rows, own } = namesOf(table);
  // What can't be read is something, too.
  const isKept = (name: string): Promise<boolean> =>
    store.load(name).then(
      ({ size }) => size > 0,
      () => true,
    );
  const [hasRows, hasOwn] = await Promise.all([isKept(rows), isKept(own)]);
  // Rows without what is ours beside them would be NimoShake's.
  if (hasRows) await store.clear(rows);
  if (hasOwn) await store.clear(own);
}

/** What is noted of a table's shards, for who only looks. */
export async function loadShards(ctx: Context, table: Pick<Table, "name">): Promise<Map<string, ShardNote>> {
  const store = ctx.role("checkpoint");
  const { rows, own } = namesOf(table);
  const [theirs, ours] = valuesOf(await Promise.allSettled([store.load(rows), store.load(own)]));
  return readShards(theirs, ours);
}

/** Reads shards' rows, and what is kept beside them. */
export function readShards(
  rows: ReadonlyMap<string, unknown>,
  own: ReadonlyMap<string, unknown>,
): Map<string, ShardNote> {
  const shards = new Map<string, ShardNote>();
  for (const row of rows.values()) {
    const state = decodeRow(row);
    const { output, success } = v.safeParse(ownSchema, own.get(SHARD + state.id));
    if (success) Object.assign(state, output);
    if (state.position.at !== "sequence") state.position.since = state.since;
    shards.set(state.id, state);
  }
  return shards;
}

/** What is kept of a shard beside its row. */
export function ownOf({ notedAt, since }: ShardNote): Partial<OwnNote> {
  return { notedAt, ...(since !== undefined && { since }) };
}
