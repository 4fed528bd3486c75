/** What a run remembers for the next one: the settings it was begun under, and where every table stands. */
import { randomBytes } from "node:crypto";
import type * as v from "valibot";
import type { Context } from "../plugin/context.ts";
import { fingerprint } from "./fingerprint.ts";
import { followedBefore, goesOn, refuseChanged, refuseOther, refuseStray, type Saved } from "./going-on.ts";
import { mayStreamBeNoted } from "./stream-parts.ts";
import {
  type First,
  type OwnTableCheckpoint,
  TABLE,
  type TableCheckpoint,
  tableCheckpoint,
} from "./table-checkpoint.ts";
import { type Attempt, orThrow } from "../flow/attempt.ts";
import { inParallel, valuesOf } from "../flow/parallel.ts";
import {
  type Adopted,
  readState,
  runSchema,
  type RunState,
  tableSchema,
  type TableMaking,
} from "./run-state.ts";
import type { Table } from "../types.ts";

export type { TableMaking, TableState, UnitState } from "./run-state.ts";
export type { TableCheckpoint } from "./table-checkpoint.ts";

/** Tables whose states are read at once. */
const LOADS = 32;
/** The name of what concerns the whole run; a table's begins with another word. */
const RUN = "run";

/** The checkpoint of one run. */
export interface RunCheckpoint {
  /** Whether it goes on with an earlier run. */
  readonly resumed: boolean;
  /** The earlier run that was found, gone on with or not. */
  readonly found: RunState | undefined;
  /** When what is gone on with, or forgotten for a fresh start, was switched over, ISO 8601; undefined: it wasn't. */
  readonly switchedOverAt: string | undefined;
  /** Whether its full phase was done and said so, or there was none. */
  readonly copied: boolean;
  table(table: Table): TableCheckpoint;
  /**
   * Reads what is kept of a table that joins the run while it goes on, again when it has joined before. Changes nothing.
   *
   * @throws MigrationError CHECKPOINT_MISMATCH when it isn't of this run
   */
  join(table: Table): Promise<TableCheckpoint>;
  /**
   * Notes that the run has begun, before anything is changed: until then nothing is saved, and the next start finds
   * what this one has found.
   *
   * @param adopted tables that are taken over from NimoShake
   * @param making the states that tables begin with; those of which something else is kept are left out
   */
  begin(adopted: Adopted[], making?: ReadonlyMap<Table, TableMaking>): Promise<void>;
  /** All that was written until a time, in ms since 1970, is applied and saved, and the run ends. */
  switchedOver(at: number): Promise<void>;
  /** The full phase is done. A run without streams is over with it, and the next start is a fresh one. */
  finish(): Promise<void>;
}

/**
 * Opens the checkpoint of a run over these tables: an earlier one to go on with, or a fresh one. Changes nothing.
 *
 * @param fresh forgets what is there
 * @param attempt who hears of what doesn't go together; default: the first of it is thrown
 * @throws MigrationError CHECKPOINT_MISMATCH when it was made under settings that don't go together with today's, or
 * its parts aren't of one run
 */
export async function openCheckpoint(
  ctx: Context,
  tables: Table[],
  fresh: boolean,
  attempt: Attempt = orThrow,
): Promise<RunCheckpoint> {
  const store = ctx.role("checkpoint");
  const settings = fingerprint(ctx.config, ctx.sameOptions);
  // What can't be read must not keep a fresh start from happening.
  const load = async (name: string): Promise<Map<string, unknown>> =>
    fresh ? new Map() : await store.load(name);
  const saved = new Map<string, Saved>();
  const placeOf = ({ name }: Table): string => `${store.place}, table ${name}`;
  const loading = await Promise.allSettled([
    load(RUN),
    // It only spares questions: of what can't be read there all of them are asked.
    fresh ? undefined : store.list?.().catch(() => undefined),
    inParallel(tables, LOADS, async (table) => {
      saved.set(table.name, { parts: await load(`${TABLE}:${table.name}`), state: undefined });
    }),
  ]);
  const [parts, listed] = valuesOf(loading);
  const kept = listed === undefined ? undefined : new Set(listed.map(({ name }) => name));
  const found = readState(runSchema, parts.get(RUN), store.place);
  const last = fresh ? await stateBefore(ctx, RUN, RUN, runSchema) : found;
  await inParallel(tables, LOADS, async (table) => {
    const each = saved.get(table.name)!;
    const noted = readState(tableSchema, each.parts.get(TABLE), placeOf(table));
    if (!fresh) await attempt(() => refuseStray(ctx, table, found, noted, mayStreamBeNoted(kept, table)));
    each.state = noted ?? (await followedBefore(ctx, table, found));
    if (fresh && ctx.config.sync_mode === "incr")
      each.state = await stateBefore(ctx, `${TABLE}:${table.name}`, TABLE, tableSchema);
  });
  const resumed = found !== undefined && (await goesOn(ctx, tables, found, saved, settings));
  if (resumed) await attempt(() => refuseChanged(found.settings, settings, store.place));

  const follows = ctx.config.sync_mode !== "full";
  const startedAt = new Date().toISOString();
  let run: RunState = resumed
    ? {
        ...found,
        copiedAt: found.copiedAt ?? found.finishedAt,
        finishedAt: undefined,
        switchedOverAt: undefined,
      }
    : { id: `${startedAt}-${randomBytes(4).toString("hex")}`, settings, startedAt };
  if (follows) run.followed = true;
  /** By name the states that tables begin with. */
  const adopted = new Map(run.adopted?.map(({ table, state }) => [table, state]));
  const checkpoints = new Map<string, OwnTableCheckpoint>();

  function opened(
    table: Table,
    { parts, state }: Saved,
    isOwn: boolean,
    isEmpty: boolean,
  ): OwnTableCheckpoint {
    const before = isOwn ? { parts, state } : { parts: new Map(), state: undefined, older: state, isEmpty };
    const checkpoint = tableCheckpoint(ctx, table, run.id, before, adopted);
    checkpoints.set(table.name, checkpoint);
    return checkpoint;
  }

  for (const table of tables) {
    const each = saved.get(table.name)!;
    const isOwn = resumed && each.state?.run === run.id;
    const { state } = opened(table, each, isOwn, !fresh && each.parts.size === 0);
    await attempt(() => refuseOther(ctx, table, state, placeOf(table)));
  }

  /** @param firsts of tables, saved behind it */
  async function save(changes: Partial<RunState>, firsts: First[] = []): Promise<void> {
    run = { ...run, ...changes };
    const parts = new Map([[RUN, run]]);
    if (firsts.length === 0) return store.save(RUN, parts);
    const states = [[RUN, parts] as const, ...firsts.map((first) => [first.name, first.parts] as const)];
    await store.saveInOrder!(new Map<string, ReadonlyMap<string, unknown>>(states));
    for (const { saved } of firsts) saved();
  }

  return {
    resumed,
    found,
    switchedOverAt: resumed || fresh ? last?.switchedOverAt : undefined,
    get copied() {
      return run.copiedAt !== undefined;
    },
    table: ({ name }) => checkpoints.get(name)!,
    async join(table) {
      const parts = await store.load(`${TABLE}:${table.name}`);
      const state = readState(tableSchema, parts.get(TABLE), placeOf(table));
      await refuseStray(ctx, table, run, state);
      return opened(table, { parts, state }, state?.run === run.id, parts.size === 0);
    },
    async begin(taken, making = new Map()) {
      for (const { table, state } of taken) adopted.set(table, { ...state, run: run.id });
      if (fresh) await store.load(RUN).catch(() => store.clear(RUN));
      const copies = resumed || (ctx.config.sync_mode !== "incr" && taken.length < tables.length);
      const firsts = [...making].flatMap(([{ name }, state]) => checkpoints.get(name)!.first(state) ?? []);
      const changes = {
        ...(taken.length > 0 && { adopted: [...(run.adopted ?? []), ...taken] }),
        ...(!copies && { copiedAt: startedAt }),
      };
      await save(changes, store.saveInOrder === undefined ? [] : firsts);
    },
    switchedOver: (at) => save({ switchedOverAt: new Date(at).toISOString() }),
    async finish() {
      const now = new Date().toISOString();
      await save({ copiedAt: run.copiedAt ?? now, ...(!run.followed && { finishedAt: now }) });
    },
  };
}

/** What an earlier run has left, for who begins anew, if it can be read. */
async function stateBefore<T>(
  ctx: Context,
  name: string,
  part: string,
  schema: v.GenericSchema<unknown, T>,
): Promise<T | undefined> {
  try {
    return readState(schema, (await ctx.role("checkpoint").load(name)).get(part), name);
  } catch {
    return undefined;
  }
}
