/** The command `clean`: what a migration has left beside the copy itself is listed, and removed where that is wanted. */
import type { Leftover } from "./leftover.ts";
import { fillSides } from "./fill-roles.ts";
import { findKept, unfinished } from "./left-checkpoint.ts";
import { findLeftovers, type LeftoverOptions } from "./leftovers.ts";
import type { MigrateOptions } from "./run.ts";
import { inSession } from "./session.ts";

/** What {@link runClean} takes. */
export interface CleanOptions extends MigrateOptions, LeftoverOptions {
  /**
   * Asked once, when there is something; nothing is removed unless it says yes.
   *
   * @param unfinished why the migration isn't over; undefined: it is
   */
  decide(found: readonly Leftover[], unfinished: string | undefined): Promise<boolean>;
  /** Told of each that is removed. */
  onRemoved?: (leftover: Leftover) => void;
}

/**
 * Finds what is left, asks, and removes it, the checkpoint last: cut off, it finds the rest when it is called again. No
 * other process can begin in between.
 *
 * @returns how many things were left, and how many of them are removed
 * @throws MigrationError ALREADY_RUNNING when the migration runs
 */
export function runClean(options: CleanOptions): Promise<{ left: number; removed: number }> {
  return inSession({ ...options, migrates: false }, async ({ ctx, lease }) => {
    // Streams may have been enabled under another sync_mode.
    await fillSides(ctx, {
      ...options,
      builtins: (role, config) =>
        options.builtins(role, role === "streams" ? { ...config, sync_mode: "all" } : config),
    });
    let kept = await findKept(ctx);
    if (kept.names.length > 0 || kept.rest) {
      await lease.take();
      kept = await findKept(ctx);
    }
    const found = await findLeftovers(ctx, kept, options);
    const done = { left: found.length, removed: 0 };
    if (found.length === 0 || !(await options.decide(found, await unfinished(ctx, kept)))) return done;
    for (const leftover of found) {
      if (leftover.stays !== undefined) continue;
      ctx.signal.throwIfAborted();
      await leftover.remove();
      done.removed++;
      options.onRemoved?.(leftover);
    }
    return done;
  });
}
