/**
 * Where the shards of a table's stream stand, as it is kept: in NimoShake's rows, so that either tool can go
 * on from the other's, and beside them, in our own place, what those rows don't hold.
 */
import * as v from "valibot";
import { valuesOf } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { debugSave } from "../plugin/debug.ts";
import { runStep } from "../stages/error-policy.ts";
import type { Table } from "../types.ts";
import { dropOld, readGone } from "./gone-shards.ts";
import { encodeRow, type ShardRow } from "./nimoshake-rows.ts";
import { parentsFirst } from "./parents-first.ts";
import { createPersister } from "./persister.ts";
import { noteText, type ShardNote } from "./shard-note.ts";
import {
  GONE,
  namesOf,
  ownOf,
  readShards,
  SHARD,
  SPOOL,
  spoolSchema,
  STREAM,
  streamSchema,
} from "./stream-parts.ts";

/** At the latest so long after a shard moved, in ms. */
const INTERVAL = 500;

/** A table's stream in the checkpoint. */
export interface StreamCheckpoint {
  /** The stream's identifier; undefined: nothing is noted, or NimoShake noted it. */
  readonly stream: string | undefined;
  /** What is noted, by this run or an earlier one, by shard. */
  readonly shards: ReadonlyMap<string, ShardNote>;
  /** Up to which sequence number shards are read into the spool, durably, by shard. */
  readonly spooled: ReadonlyMap<string, string>;
  /** Notes which stream it is: with its first shards, where none is noted yet. */
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

/** What {@link openStreamCheckpoint} takes. */
export interface StreamCheckpointOptions {
  /** Told of the shards whose positions were saved, and when, in ms since 1970. */
  onSaved?: (shards: ShardNote[], at: number) => void;
  /** This process has forgotten the stream and noted nothing since: nothing is read. */
  isForgotten?: boolean | undefined;
}

/**
 * Reads what is noted of a table's stream.
 */
export async function openStreamCheckpoint(
  ctx: Context,
  table: Table,
  { onSaved = () => {}, isForgotten = false }: StreamCheckpointOptions = {},
): Promise<StreamCheckpoint> {
  const store = ctx.role("checkpoint");
  const names = namesOf(table);
  const load = async (name: string): Promise<ReadonlyMap<string, unknown>> =>
    isForgotten ? new Map() : store.load(name);
  const [own, rows] = valuesOf(await Promise.allSettled([load(names.own), load(names.rows)]));
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

  /** Whether it isn't saved yet which stream it is. */
  let isUnsaved = false;

  /** What the rows don't hold: it is there before them. */
  async function saveOwn(states: ReadonlyMap<string, ShardNote>): Promise<void> {
    const parts = new Map<string, unknown>();
    if (isUnsaved) parts.set(STREAM, { stream });
    const changed = [...states.values()].filter(({ id, notedAt }) => notedAt !== times.get(id));
    for (const note of changed) parts.set(SHARD + note.id, ownOf(note));
    if (parts.size === 0) return;
    await store.save(names.own, parts);
    isUnsaved = false;
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
        await saveOwn(states);
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
    if (isUnsaved) await saveOwn(new Map());
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
      stream = is;
      isUnsaved = true;
      if (shards.size > 0) await saveOwn(new Map());
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
