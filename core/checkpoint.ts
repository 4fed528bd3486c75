/** What a run remembers for the next one: the settings it was begun under, and where every table stands. */
import * as v from "valibot";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { inParallel } from "./lanes.ts";
import { changedSettings, type Fingerprint, fingerprint } from "./fingerprint.ts";
import type { Position, Table, SegmentUnit } from "./types.ts";

/** Tables whose states are read at once. */
const LOADS = 8;
/** The name of what concerns the whole run; a table's begins with another word. */
const RUN = "run";
const TABLE = "table";

/** What is known of a run. */
interface RunState {
  settings: Fingerprint;
  /** ISO 8601. */
  startedAt: string;
  /** Undefined: not finished. */
  finishedAt?: string | undefined;
}

/** Where a table stands. */
export interface TableState {
  /** Making: its place at the target is being made. */
  stage: "making" | "copying" | "indexing" | "done";
  /** What was at the target before, see `Target.find`. */
  before?: string | undefined;
  /** What was made there. */
  made?: string | undefined;
  /** The source's identifier of the table. */
  source?: string | undefined;
  targetName: string;
  /** How many units it is split into. */
  units: number;
  /** How often it was begun again, see core/resync.ts. */
  round?: number | undefined;
  /** How many indexes it has, once it is done. */
  indexes?: number | undefined;
}

/** How far a unit is: what was read up to the position is written, or was dropped by a hook. */
export interface UnitState {
  /** Where to go on; undefined: the unit is finished. */
  position?: Position | undefined;
  read: number;
  filtered: number;
  overflowed: number;
  bytes: number;
}

const runSchema: v.GenericSchema<unknown, RunState> = v.object({
  settings: v.record(v.string(), v.string()),
  startedAt: v.string(),
  finishedAt: v.optional(v.string()),
});

const tableSchema: v.GenericSchema<unknown, TableState> = v.object({
  stage: v.picklist(["making", "copying", "indexing", "done"]),
  before: v.optional(v.string()),
  made: v.optional(v.string()),
  source: v.optional(v.string()),
  targetName: v.string(),
  units: v.number(),
  round: v.optional(v.number()),
  indexes: v.optional(v.number()),
});

const unitSchema: v.GenericSchema<unknown, UnitState> = v.object({
  position: v.optional(v.custom<Position>((value) => typeof value === "object" && value !== null)),
  read: v.number(),
  filtered: v.number(),
  overflowed: v.number(),
  bytes: v.number(),
});

/** A table's place in the checkpoint. */
export interface TableCheckpoint {
  /** Undefined: never begun. */
  readonly state: TableState | undefined;
  /** Changes the table's state and saves it. */
  advance(changes: Partial<TableState>): Promise<void>;
  /** What is known of a unit. */
  unit(unit: SegmentUnit): UnitState | undefined;
  /** Saves what is known of units. */
  saveUnits(states: ReadonlyMap<SegmentUnit, UnitState>): Promise<void>;
}

/** The checkpoint of one run. */
export interface RunCheckpoint {
  /** Whether an earlier run had begun and not finished. */
  readonly resumed: boolean;
  table(table: Table): TableCheckpoint;
  /** The run is over: the next start is a fresh one. */
  finish(): Promise<void>;
}

/**
 * Opens the checkpoint of a run over these tables: an unfinished one to go on with, or a fresh one.
 *
 * @param fresh forgets what is there
 * @throws MigrationError CHECKPOINT_MISMATCH when it was made under settings that don't go together with today's
 */
export async function openCheckpoint(ctx: Context, tables: Table[], fresh: boolean): Promise<RunCheckpoint> {
  const store = ctx.role("checkpoint");
  const settings = fingerprint(ctx.config, ctx.sameOptions);
  // What can't be read must not keep a fresh start from happening.
  const found = fresh ? undefined : read(runSchema, (await store.load(RUN)).get(RUN), store.place);
  const resumed = found !== undefined && found.finishedAt === undefined;
  if (resumed) refuseChanged(found.settings, settings, store.place);
  const startedAt = resumed ? found.startedAt : new Date().toISOString();

  const checkpoints = new Map<string, TableCheckpoint>();
  await inParallel(tables, LOADS, async (table) => {
    const { name } = table;
    const saved = resumed ? await store.load(`${TABLE}:${name}`) : new Map<string, unknown>();
    if (!resumed) await store.clear(`${TABLE}:${name}`);
    checkpoints.set(name, tableCheckpoint(ctx, table, saved));
  });
  if (!resumed) {
    await store.clear(RUN);
    await store.save(RUN, new Map([[RUN, { settings, startedAt }]]));
  }

  return {
    resumed,
    table: ({ name }) => checkpoints.get(name)!,
    async finish() {
      const finishedAt = new Date().toISOString();
      await store.save(RUN, new Map([[RUN, { settings, startedAt, finishedAt }]]));
    },
  };
}

function tableCheckpoint(ctx: Context, table: Table, parts: Map<string, unknown>): TableCheckpoint {
  const store = ctx.role("checkpoint");
  const name = `${TABLE}:${table.name}`;
  const where = `${store.place}, table ${table.name}`;
  let state = read(tableSchema, parts.get(TABLE), where);
  refuseOther(table, state, where);
  /** What an earlier round has left isn't this one's. */
  const partOf = ({ segment }: SegmentUnit): string =>
    state?.round === undefined ? String(segment) : `${state.round}.${segment}`;

  return {
    get state() {
      return state;
    },
    async advance(changes) {
      const next = { ...state, ...changes } as TableState;
      await store.save(name, new Map([[TABLE, next]]));
      state = next;
    },
    unit: (unit) => read(unitSchema, parts.get(partOf(unit)), where),
    async saveUnits(states) {
      await store.save(name, new Map([...states].map(([unit, each]) => [partOf(unit), each])));
    },
  };
}

/** What was saved, if it is what it should be. */
function read<State>(
  schema: v.GenericSchema<unknown, State>,
  saved: unknown,
  place: string,
): State | undefined {
  if (saved === undefined) return undefined;
  const { success, output, issues } = v.safeParse(schema, saved);
  if (success) return output;
  const [issue] = issues;
  throw new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the checkpoint can't be understood, ${v.getDotPath(issue) ?? "all of it"}: ${issue.message}: ${place}`,
    { hint: "start over with --fresh" },
  );
}

function refuseChanged(then: Fingerprint, now: Fingerprint, place: string): void {
  const changes = changedSettings(then, now);
  if (changes.length === 0) return;
  const shown = changes.map(([key, was, is]) => `\n  ${key}: was ${was || "empty"}, is ${is || "empty"}`);
  throw new MigrationError(
    "CHECKPOINT_MISMATCH",
    `an unfinished run was begun under other settings: ${place}${shown.join("")}`,
    { hint: `set ${changes.map(([key]) => key).join(", ")} back to go on, or start over with --fresh` },
  );
}

function refuseOther(table: Table, state: TableState | undefined, where: string): void {
  if (state === undefined) return;
  const other =
    state.source !== undefined && table.id !== undefined && state.source !== table.id
      ? "was deleted and made anew at the source since the run began"
      : state.targetName !== table.targetName
        ? `went to ${state.targetName} when the run began, and would go to ${table.targetName} now`
        : undefined;
  if (other === undefined) return;
  throw new MigrationError("CHECKPOINT_MISMATCH", `table ${table.name} ${other}: ${where}`, {
    hint: "start over with --fresh",
  });
}
