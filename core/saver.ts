/** Saves how far a table's units are: now and then while they move, and at the end. */
import type { TableCheckpoint, UnitState } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import type { Table, SegmentUnit } from "./types.ts";

/** At the latest so long after a unit moved, in ms. */
const INTERVAL = 100;
/** Or after so many pages of the table. */
const PAGES = 50;

/** See the top of the file. */
export interface Saver {
  /** A unit has reached a state; saved soon. */
  moved(unit: SegmentUnit, state: UnitState, pages: number): void;
  /** Saves what is not saved yet; throws what went wrong with any save. */
  flush(): Promise<void>;
}

/** Makes a table's saver. A save that fails stops the run. */
export function createSaver(ctx: Context, table: Table, checkpoint: TableCheckpoint): Saver {
  let dirty = new Map<SegmentUnit, UnitState>();
  let pages = 0;
  let timer: NodeJS.Timeout | undefined;
  let saving: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  async function saveDirty(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const states = dirty;
    dirty = new Map();
    pages = 0;
    if (states.size === 0 || failure !== undefined) return;
    try {
      await announce("checkpoint:before", states);
      await checkpoint.saveUnits(states);
      await announce("checkpoint:after", states);
    } catch (error) {
      failure = { error };
      ctx.stop(error);
    }
  }

  /** One save at a time; what moves meanwhile waits for its own interval. */
  function save(): Promise<void> {
    return (saving ??= saveDirty().finally(() => (saving = undefined)));
  }

  async function announce(
    hook: "checkpoint:before" | "checkpoint:after",
    states: Map<SegmentUnit, UnitState>,
  ): Promise<void> {
    if (!ctx.listens(hook)) return;
    for (const [unit, { position }] of states)
      await ctx.call(hook, { phase: unit.phase, table, unit, position });
  }

  return {
    moved(unit, state, count) {
      dirty.set(unit, state);
      pages += count;
      if (pages >= PAGES && saving === undefined) void save();
      else timer ??= setTimeout(() => void save(), INTERVAL);
    },
    async flush() {
      await saving;
      await save();
      if (failure !== undefined) throw failure.error;
    },
  };
}
