/** Tables whose streams weren't looked at before the first table was begun: each is looked at, and begun, when its turn comes. */
import type { RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Leave } from "../flow/gate.ts";
import { lookAt } from "../incr/start-positions.ts";
import type { FirstLook } from "../incr/table-stream.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import { LISTED, type Table } from "../types.ts";
import { type Beginning, notMade, type Place } from "./place.ts";
import { forgetOlder, type StreamLooks } from "./stream-looks.ts";
import { findPlaces, prepareTargetTables } from "./target-tables.ts";

/**
 * Resolves when a table's place at the target is made and its stream may be opened; gives what was seen of that, once.
 *
 * @throws MigrationError what refuses it, before anything is changed for it
 */
export type Ready = (table: Table) => Promise<FirstLook | undefined>;

/** What {@link readyTables} takes. */
export interface ReadyOptions {
  looks: StreamLooks;
  /** The places of the tables whose streams nobody has looked at, as they were when the run began. */
  late: readonly Place[];
  /** How the run was begun. */
  beginning: Beginning;
}

/** Makes it for the tables of a run. */
export function readyTables(
  ctx: Context,
  checkpoint: RunCheckpoint,
  { looks: { seen, unseen }, late, beginning }: ReadyOptions,
): Ready {
  const foundBefore = new Map(late.map(({ table, found }) => [table.name, found]));

  /** Looks at a stream; gives what was seen when the run isn't paused, as it is then. */
  async function look(table: Table, stream: string): Promise<Leave> {
    for (;;) {
      const look = await lookAt(ctx, table, stream);
      const leave = await ctx.gate.enter(ctx.signal);
      seen.set(table.name, look);
      if (performance.now() - look.at < LISTED) return leave;
      leave();
    }
  }

  async function begin(table: Table, stream: string): Promise<void> {
    const leave = await look(table, stream);
    try {
      const [place] = (await findPlaces(ctx, [table], checkpoint, [], beginning)) as [Place];
      // Another try may have begun to make it.
      if (place.state === undefined) {
        // What came meanwhile is somebody's: what was said of what is in the way was said of what was there.
        if (place.found !== undefined && place.found !== foundBefore.get(table.name))
          throw notMade(ctx, [table.targetName]);
        await forgetOlder(ctx, table, seen);
      }
      await prepareTargetTables(ctx, [place]);
    } finally {
      leave();
    }
    unseen.delete(table.name);
  }

  return async (table) => {
    const stream = unseen.get(table.name);
    if (stream !== undefined) await runStep(ctx, { stage: "setup", table }, () => begin(table, stream));
    const look = seen.get(table.name);
    seen.delete(table.name);
    return look;
  };
}
