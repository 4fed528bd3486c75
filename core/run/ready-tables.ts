/** Tables whose streams weren't looked at before the first table was begun: each is looked at, and begun, when its turn comes. */
import type { RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import { lookAt } from "../incr/start-positions.ts";
import type { FirstLook } from "../incr/table-stream.ts";
import type { Context } from "../plugin/context.ts";
import { runStep } from "../stages/error-policy.ts";
import type { Table } from "../types.ts";
import type { Beginning } from "./place.ts";
import { forgetOlder, type StreamLooks } from "./stream-looks.ts";
import { findPlaces, prepareTargetTables } from "./target-tables.ts";

/**
 * Resolves when a table's place at the target is made and its stream may be opened; gives what was seen of that, once.
 *
 * @throws MigrationError what refuses it, before anything is changed for it
 */
export type Ready = (table: Table) => Promise<FirstLook | undefined>;

/** Makes it for the tables of a run; `beginning` is how that was begun. */
export function readyTables(
  ctx: Context,
  checkpoint: RunCheckpoint,
  { seen, unseen }: StreamLooks,
  beginning: Beginning,
): Ready {
  async function begin(table: Table, stream: string): Promise<void> {
    seen.set(table.name, await lookAt(ctx, table, stream));
    const leave = await ctx.gate.enter(ctx.signal);
    try {
      // Somebody may have been at its place meanwhile.
      const places = await findPlaces(ctx, [table], checkpoint, [], beginning);
      if (places.some(({ state }) => state === undefined)) await forgetOlder(ctx, table, seen);
      await prepareTargetTables(ctx, places);
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
