/**
 * Where the shards of a table's stream stand, as it is kept: in NimoShake's rows, so that either tool can go
 * on from the other's, and beside them, in our own place, what those rows don't hold.
 */
import { debugSave } from "../plugin/debug.ts";
import * as v from "valibot";
import { dropOld, readGone } from "./gone-shards.ts";
import { createPersister } from "./persister.ts";
import { valuesOf } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import { decodeRow, encodeRow, type ShardRow } from "./nimoshake-rows.ts";
import type { ShardNote } from "./shard-note.ts";
import type { Table } from "../types.ts";

/** At the latest so long after a shard moved, in ms. */
const INTERVAL = 500;
const STREAM = "stream";
const SHARD = "shard:";
const SPOOL = "spool:";
const GONE = "gone";

/** A table's stream in the checkpoint. */
export interface StreamCheckpoint {
  /** The stream's identifier; undefined: nothing is noted, or NimoShake noted it. */
  readonly stream: string | undefined;
  /** What is noted, by this run or an earlier one, by shard. */
  readonly shards: ReadonlyMap<string, ShardNote>;
  /** Up to which sequence number shards are read into the spool, durably, by shard. */
  readonly spooled: ReadonlyMap<string, string>;
  /** Notes which stream it is. */
  begin(stream: string): Promise<void>;
  /** Where a shard stands now; saved soon. */
  note(shard: ShardNote): void;
  /** Up to where a shard is read into the spool; saved soon. */
  noteSpooled(shard: string, readUpTo: string): void;
  /** Shards that were over and are forgotten, a day long: one that turns up again isn't a new one. */
  readonly gone: ReadonlySet<string>;
  /** Forgets shards that are over, and whose children are noted; their children follow nobody then. */
  forget(shards: string[]): Promise<void>;
  /** Saves what is not saved yet; throws what went wrong with any save. */
  flush(): Promise<void>;
  /** Saves nothing from now on: another one takes its place. Resolves when no save is on its way. */
  retire(): Promise<void>;
}

/** Which stream it is, as it is saved. */
export const streamSchema: v.GenericSchema<unknown, { stream: string }> = v.object({ stream: v.string() });
const shardSchema: v.GenericSchema<unknown, { notedAt: number }> = v.object({ notedAt: v.number() });
const spoolSchema: v.GenericSchema<unknown, { readUpTo: string }> = v.object({ readUpTo: v.string() });

/** The names under which a table's stream is kept. */
const namesOf = ({ name }: Pick<Table, "name">): { rows: string; own: string } => ({
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

function readShards(
  rows: ReadonlyMap<string, unknown>,
  own: ReadonlyMap<string, unknown>,
): Map<string, ShardNote> {
  const shards = new Map<string, ShardNote>();
  for (const row of rows.values()) {
    const state = decodeRow(row);
    const { output, success } = v.safeParse(shardSchema, own.get(SHARD + state.id));
    shards.set(state.id, { ...state, ...(success && { notedAt: output.notedAt }) });
  }
  return shards;
}

/**
 * Reads what is noted of a table's stream.
 *
 * @param onSaved told of the shards whose positions were saved, and when, in ms since 1970
 */
export async function openStreamCheckpoint(
  ctx: Context,
  table: Table,
  onSaved: (shards: ShardNote[], at: number) => void = () => {},
): Promise<StreamCheckpoint> {
  const store = ctx.role("checkpoint");
  const names = namesOf(table);
  const [own, rows] = valuesOf(await Promise.allSettled([store.load(names.own), store.load(names.rows)]));
  const shards = readShards(rows, own);
  const spooled = new Map<string, string>();
  for (const [part, state] of own) {
    const { output, success } = v.safeParse(spoolSchema, state);
    if (part.startsWith(SPOOL) && success) spooled.set(part.slice(SPOOL.length), output.readUpTo);
  }
  const noted = v.safeParse(streamSchema, own.get(STREAM));
  let stream = noted.success ? noted.output.stream : undefined;

  let retired = false;
  const goneAt = readGone(own.get(GONE));

  /** NimoShake looks for the row of every parent that is named: one that is gone isn't. */
  function rowOf({ parent, ...state }: ShardNote, updatedAt: number): ShardRow {
    const named = parent !== undefined && !goneAt.has(parent);
    return encodeRow({ ...state, ...(named && { parent }), updatedAt });
  }

  /** The times that are saved, so that only changed ones are. */
  const times = new Map([...shards.values()].map(({ id, notedAt }) => [id, notedAt]));

  async function saveTimes(states: Map<string, ShardNote>): Promise<void> {
    const changed = [...states.values()].filter(({ id, notedAt }) => notedAt !== times.get(id));
    if (changed.length === 0) return;
    await store.save(names.own, new Map(changed.map(({ id, notedAt }) => [SHARD + id, { notedAt }])));
    for (const { id, notedAt } of changed) times.set(id, notedAt);
  }

  async function announce(
    hook: "checkpoint:before" | "checkpoint:after",
    states: Map<string, ShardNote>,
  ): Promise<void> {
    if (!ctx.listens(hook)) return;
    for (const { id, position, status } of states.values()) {
      const number = position.at === "sequence" && status !== "done" ? position.number : undefined;
      await ctx.call(hook, {
        phase: "incr",
        table,
        unit: { phase: "incr", table, shard: id },
        position: number === undefined ? undefined : { sequenceNumber: { N: number } },
      });
    }
  }

  const notes = createPersister<string, ShardNote>({
    save: (states) =>
      runStep(ctx, { stage: "checkpoint", table }, async () => {
        const updatedAt = Date.now();
        const rows = [...states].map(([id, state]) => [id, rowOf(state, updatedAt)] as const);
        await announce("checkpoint:before", states);
        await saveTimes(states);
        await debugSave(
          ctx,
          table,
          () => [...states.values()].map(noteText),
          () => store.save(names.rows, new Map(rows)),
        );
        ctx.progress.savedAt = updatedAt;
        await announce("checkpoint:after", states);
        onSaved([...states.values()], updatedAt);
      }),
    interval: INTERVAL,
    onFailure: (error) => ctx.stop(error),
  });

  const spools = createPersister<string, string>({
    save: (states) =>
      runStep(ctx, { stage: "checkpoint", table }, () =>
        store.save(names.own, new Map([...states].map(([id, readUpTo]) => [SPOOL + id, { readUpTo }]))),
      ),
    interval: INTERVAL,
    onFailure: (error) => ctx.stop(error),
  });

  async function flush(): Promise<void> {
    await spools.flush();
    await notes.flush();
  }

  async function forget(ids: string[]): Promise<void> {
    if (store.remove === undefined || ids.length === 0) return;
    dropOld(goneAt, shards.values());
    for (const id of ids) goneAt.set(id, Date.now());
    await store.save(names.own, new Map([[GONE, Object.fromEntries(goneAt)]]));
    for (const note of shards.values()) if (ids.includes(note.parent ?? "")) notes.put(note.id, note);
    await flush();
    await store.remove(names.rows, ids);
    await store.remove(
      names.own,
      ids.flatMap((id) => [SHARD + id, SPOOL + id]),
    );
    for (const id of ids) {
      shards.delete(id);
      spooled.delete(id);
      times.delete(id);
    }
  }

  return {
    get stream() {
      return stream;
    },
    shards,
    spooled,
    async begin(is) {
      await store.save(names.own, new Map([[STREAM, { stream: is }]]));
      stream = is;
    },
    note(shard) {
      shards.set(shard.id, shard);
      if (!retired) notes.put(shard.id, shard);
    },
    noteSpooled(shard, readUpTo) {
      spooled.set(shard, readUpTo);
      if (!retired) spools.put(shard, readUpTo);
    },
    get gone() {
      return new Set(goneAt.keys());
    },
    forget,
    flush,
    async retire() {
      retired = true;
      await flush();
    },
  };
}

function noteText({ id, status, position }: ShardNote): string {
  return `shard ${id}, ${status}, ${position.at === "sequence" ? position.number : position.at}`;
}
