/** A context for a part of a run. */
import type { Context } from "../plugin/context.ts";

/** The run's context for a part of it: what is the part's own stops only that. */
export function scopedContext(ctx: Context, isOwn: (reason: unknown) => boolean): Context {
  const own = new AbortController();
  return {
    ...ctx,
    signal: AbortSignal.any([ctx.signal, own.signal]),
    stop: (reason) => (isOwn(reason) ? own.abort(reason) : ctx.stop(reason)),
  };
}
