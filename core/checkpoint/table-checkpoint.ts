/** Where one table of a run stands, and how far its units are. */
import type { Context } from "../plugin/context.ts";
import type { SegmentUnit, Table } from "../types.ts";
import type { Saved } from "./going-on.ts";
import { readState, type TableMaking, type TableState, type UnitState, unitSchema } from "./run-state.ts";

/** What a table's own state is kept as; a part of the names under which tables are kept. */
export const TABLE = "table";

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

/** A state that is to be saved. */
export interface First {
  name: string;
  parts: ReadonlyMap<string, unknown>;
  /** To be called when it is. */
  saved(): void;
}

/** What the run alone asks of it. */
export interface OwnTableCheckpoint extends TableCheckpoint {
  /** The state that it begins with; undefined: something is kept of it that has to be forgotten before. */
  first(state: TableMaking): First | undefined;
}

/**
 * Makes a table's place in the checkpoint of a run.
 *
 * @param before what was found of it
 * @param adopted by name the states of those taken over from NimoShake
 */
export function tableCheckpoint(
  ctx: Context,
  table: Table,
  run: string | undefined,
  before: Saved & { older?: TableState | undefined; isEmpty?: boolean },
  adopted: ReadonlyMap<string, TableState>,
): OwnTableCheckpoint {
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
    first(made) {
      if (stateNow() !== undefined || before.isEmpty !== true) return undefined;
      const next = { ...made, run };
      return { name, parts: new Map([[TABLE, next]]), saved: () => void (state = next) };
    },
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
