/** Saves how far a table's units are: now and then while they move, and at the end. */
import { debugSave, keyMark } from "../plugin/debug.ts";
import type { TableCheckpoint, UnitState } from "./run-checkpoint.ts";
import { createPersister } from "./persister.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import type { SegmentUnit, Table } from "../types.ts";

/** At the latest so long after a unit moved, in ms. */
const INTERVAL = 100;
/** Or after so many pages of the table. */
const PAGES = 50;

/** See the top of the file. */
export interface UnitPersister {
  /** A unit has reached a state; saved soon. */
  moved(unit: SegmentUnit, state: UnitState, pages: number): void;
  /** Saves what is not saved yet; throws what went wrong with any save. */
  flush(): Promise<void>;
}

/** Makes a table's persister. A save that fails stops the run. */
export function createUnitPersister(ctx: Context, table: Table, checkpoint: TableCheckpoint): UnitPersister {
  let pages = 0;
  const states = createPersister<SegmentUnit, UnitState>({
    save: (moved) =>
      runStep(ctx, { stage: "checkpoint", table }, async () => {
        pages = 0;
        await announce("checkpoint:before", moved);
        await debugSave(
          ctx,
          table,
          () => [...moved].map(unitText),
          () => checkpoint.saveUnits(moved),
        );
        ctx.progress.savedAt = Date.now();
        await announce("checkpoint:after", moved);
      }),
    interval: INTERVAL,
    onFailure: (error) => ctx.stop(error),
  });

  async function announce(
    hook: "checkpoint:before" | "checkpoint:after",
    moved: Map<SegmentUnit, UnitState>,
  ): Promise<void> {
    if (!ctx.listens(hook)) return;
    for (const [unit, { position }] of moved)
      await ctx.call(hook, { phase: unit.phase, table, unit, position });
  }

  return {
    moved(unit, state, count) {
      states.put(unit, state);
      pages += count;
      if (pages >= PAGES) states.hurry();
    },
    flush: () => states.flush(),
  };
}

function unitText([{ segment, segments }, { read, position }]: [SegmentUnit, UnitState]): string {
  return `segment ${segment} of ${segments}, ${read} items, ${position === undefined ? "its end" : keyMark(position)}`;
}
