/** What a run remembers for the next one: the settings it was begun under, and where every table stands. */
import { randomBytes } from "node:crypto";
import type { Context } from "../plugin/context.ts";
import { fingerprint } from "./fingerprint.ts";
import { followedBefore, goesOn, refuseChanged, refuseOther, refuseStray, type Saved } from "./going-on.ts";
import { type Attempt, orThrow } from "../flow/attempt.ts";
import { inParallel, valuesOf } from "../flow/parallel.ts";
import {
  type Adopted,
  readState,
  runSchema,
  type RunState,
  tableSchema,
  type TableState,
  type UnitState,
  unitSchema,
} from "./run-state.ts";
import type { SegmentUnit, Table } from "../types.ts";

export type { TableState, UnitState } from "./run-state.ts";

/** Tables whose states are read at once. */
const LOADS = 32;
/** The name of what concerns the whole run; a table's begins with another word. */
const RUN = "run";
const TABLE = "table";

/** A table's place in the checkpoint. */
export interface TableCheckpoint {
  /** Undefined: never begun. */
  readonly state: TableState | undefined;
  /** Nothing was known of it when the run was opened: whatever else is noted of it isn't this run's. */
  readonly isNew: boolean;
  /** What an older run has left of it. */
  readonly older: TableState | undefined;
  /** Changes the table's state and saves it. */
  advance(changes: Partial<TableState>): Promise<void>;
  /** What is known of a unit. */
  unit(unit: SegmentUnit): UnitState | undefined;
  /** Saves what is known of units. */
  saveUnits(states: ReadonlyMap<SegmentUnit, UnitState>): Promise<void>;
}

/** The checkpoint of one run. */
export interface RunCheckpoint {
  /** Whether it goes on with an earlier run. */
  readonly resumed: boolean;
  /** The earlier run that was found, gone on with or not. */
  readonly found: RunState | undefined;
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
   */
  begin(adopted: Adopted[]): Promise<void>;
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
    inParallel(tables, LOADS, async (table) => {
      saved.set(table.name, { parts: await load(`${TABLE}:${table.name}`), state: undefined });
    }),
  ]);
  const [parts] = valuesOf(loading);
  const found = readState(runSchema, parts.get(RUN), store.place);
  await inParallel(tables, LOADS, async (table) => {
    const each = saved.get(table.name)!;
    const noted = readState(tableSchema, each.parts.get(TABLE), placeOf(table));
    if (!fresh) await attempt(() => refuseStray(ctx, table, found, noted));
    each.state = noted ?? (await followedBefore(ctx, table, found));
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
  const checkpoints = new Map<string, TableCheckpoint>();

  function opened(table: Table, { parts, state }: Saved, isOwn: boolean, isEmpty: boolean): TableCheckpoint {
    const before = isOwn ? { parts, state } : { parts: new Map(), state: undefined, older: state, isEmpty };
    const checkpoint = tableCheckpoint(ctx, table, run.id, before, adopted);
    checkpoints.set(table.name, checkpoint);
    return checkpoint;
  }

  for (const table of tables) {
    const each = saved.get(table.name)!;
    if (fresh && ctx.config.sync_mode === "incr") each.state = await copiedBefore(ctx, table);
    const isOwn = resumed && each.state?.run === run.id;
    const { state } = opened(table, each, isOwn, !fresh && each.parts.size === 0);
    await attempt(() => refuseOther(ctx, table, state, placeOf(table)));
  }

  async function save(changes: Partial<RunState>): Promise<void> {
    run = { ...run, ...changes };
    await store.save(RUN, new Map([[RUN, run]]));
  }

  return {
    resumed,
    found,
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
    async begin(taken) {
      for (const { table, state } of taken) adopted.set(table, { ...state, run: run.id });
      if (fresh) await store.load(RUN).catch(() => store.clear(RUN));
      const copies = resumed || (ctx.config.sync_mode !== "incr" && taken.length < tables.length);
      await save({
        ...(taken.length > 0 && { adopted: [...(run.adopted ?? []), ...taken] }),
        ...(!copies && { copiedAt: startedAt }),
      });
    },
    switchedOver: (at) => save({ switchedOverAt: new Date(at).toISOString() }),
    async finish() {
      const now = new Date().toISOString();
      await save({ copiedAt: run.copiedAt ?? now, ...(!run.followed && { finishedAt: now }) });
    },
  };
}

/** What an earlier run has left of a table, for who begins anew: only that its copy is there counts, if it can be read. */
async function copiedBefore(ctx: Context, { name }: Table): Promise<TableState | undefined> {
  try {
    const parts = await ctx.role("checkpoint").load(`${TABLE}:${name}`);
    return readState(tableSchema, parts.get(TABLE), name);
  } catch {
    return undefined;
  }
}

function tableCheckpoint(
  ctx: Context,
  table: Table,
  run: string | undefined,
  before: Saved & { older?: TableState | undefined; isEmpty?: boolean },
  adopted: ReadonlyMap<string, TableState>,
): TableCheckpoint {
  const store = ctx.role("checkpoint");
  const name = `${TABLE}:${table.name}`;
  const where = `${store.place}, table ${table.name}`;
  let { parts, state } = before;
  /** The names under which units are kept. */
  const kept = new Set([...parts.keys()].filter((part) => part !== TABLE));
  const stateNow = (): TableState | undefined => state ?? adopted.get(table.name);
  const isNew = stateNow() === undefined;
  /** What an earlier round has left isn't this one's. */
  const partOf = ({ segment }: SegmentUnit): string =>
    state?.round === undefined ? String(segment) : `${state.round}.${segment}`;

  return {
    get state() {
      return stateNow();
    },
    isNew,
    older: before.older,
    async advance(changes) {
      const next = { ...stateNow(), ...changes, run } as TableState;
      // What another run has left there.
      if (state === undefined && before.isEmpty !== true) await store.clear(name);
      await store.save(name, new Map([[TABLE, next]]));
      const isAnotherRound = next.round !== stateNow()?.round;
      state = next;
      // What the round before has kept would stay for ever, and one comes after the other.
      if (!isAnotherRound || kept.size === 0) return;
      await store.remove?.(name, [...kept]);
      kept.clear();
    },
    unit: (unit) => readState(unitSchema, parts.get(partOf(unit)), where),
    async saveUnits(states) {
      for (const unit of states.keys()) kept.add(partOf(unit));
      await store.save(name, new Map([...states].map(([unit, each]) => [partOf(unit), each])));
    },
  };
}
