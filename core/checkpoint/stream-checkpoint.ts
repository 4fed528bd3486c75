/**
 * Where the shards of a table's stream stand, as it is kept: in NimoShake's rows, so that either tool can go
 * on from the other's, and beside them, in our own place, what those rows don't hold.
 */
import { debugSave } from "../plugin/debug.ts";
import * as v from "valibot";
import { dropOld, readGone } from "./gone-shards.ts";
import { createPersister } from "./persister.ts";
import { parentsFirst } from "./parents-first.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import { decodeRow, encodeRow, type ShardRow } from "./nimoshake-rows.ts";
import { ownOf, ownSchema } from "./own-note.ts";
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

/** Forgets what is noted of a table's stream. */
export async function forgetStream(ctx: Context, table: Pick<Table, "name">): Promise<void> {
  const store = ctx.role("checkpoint");
  const { rows, own } = namesOf(table);
  // Rows without what is ours beside them would be NimoShake's.
  await store.clear(rows);
  await store.clear(own);
}

/** What is noted of a table's shards, for who only looks. */
export async function loadShards(ctx: Context, table: Pick<Table, "name">): Promise<Map<string, ShardNote>> {
  const store = ctx.role("checkpoint");
  const { rows, own } = namesOf(table);
  return readShards(await store.load(rows), await store.load(own));
}

function readShards(
  rows: ReadonlyMap<string, unknown>,
  own: ReadonlyMap<string, unknown>,
): Map<string, ShardNote> {
  const shards = new Map<string, ShardNote>();
  for (const row of rows.values()) {
    const state = decodeRow(row);
    const { output, success } = v.safeParse(ownSchema, own.get(SHARD + state.id));
    if (success) state.notedAt = output.notedAt;
    if (success && state.position.at !== "sequence") state.position.since = output.since;
    shards.set(state.id, state);
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
  const own = await store.load(names.own);
  const shards = readShards(await store.load(names.rows), own);
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
    await store.save(names.own, new Map(changed.map((note) => [SHARD + note.id, ownOf(note)])));
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

  /** Whose rows are saved. */
  const rowed = new Set(shards.keys());

  async function saveRows(states: Map<string, ShardNote>, updatedAt: number): Promise<void> {
    for (const part of parentsFirst(states, (id) => rowed.has(id))) {
      await store.save(names.rows, new Map(part.map((state) => [state.id, rowOf(state, updatedAt)])));
      for (const { id } of part) rowed.add(id);
    }
  }

  const notes = createPersister<string, ShardNote>({
    save: (states) =>
      runStep(ctx, { stage: "checkpoint", table }, async () => {
        const updatedAt = Date.now();
        await announce("checkpoint:before", states);
        await saveTimes(states);
        await debugSave(
          ctx,
          table,
          () => [...states.values()].map(noteText),
          () => saveRows(states, updatedAt),
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
      rowed.delete(id);
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
