/** A context for a part of a run. */
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";

/**
 * The run's context for a part of it: what is the part's own stops only that. What merely follows that, such as a request
 * that is cut off, stops nothing more.
 */
export function scopedContext(ctx: Context, isOwn: (reason: unknown) => boolean): Context {
  const own = new AbortController();
  const follows = (reason: unknown): boolean => own.signal.aborted && !(reason instanceof MigrationError);
  return {
    ...ctx,
    signal: AbortSignal.any([ctx.signal, own.signal]),
    // What came first counts.
    stop: (reason) => (isOwn(reason) || follows(reason) ? own.abort(reason) : ctx.stop(reason)),
  };
}
