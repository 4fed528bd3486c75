/** What is around every command's work: a context and a lease before it, and after it all is closed, whatever became of it. */
import type { Config } from "../config/config.ts";
import { type MigrationError, toMigrationError } from "../errors.ts";
import { type ContextOptions, createContext, type OwnedContext } from "./context.ts";
import { noteError } from "../progress/progress.ts";
import { createLease, type Lease, type LeaseOptions } from "./lease.ts";

/** The reason to stop of a run that was switched over: no failure. */
export const SWITCHED_OVER: Error = new Error("the run was switched over");

/** What {@link inSession} takes. */
export interface SessionOptions extends ContextOptions {
  /** For tests: another length and clock of the lease. */
  lease?: LeaseOptions;
  /** False: nothing is migrated, and no plugin hears by `close` that something has ended. */
  migrates?: boolean;
}

/** What the work gets. */
export interface Session {
  ctx: OwnedContext;
  lease: Lease;
  /** The context's own, to be completed by what is found. */
  config: Config;
}

/**
 * Does a command's work, then calls the hook `close`, gives the lease back and closes the roles.
 *
 * @throws MigrationError the first failure
 */
export async function inSession<T>(
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { migrates = true } = options;
  const config = { ...options.config };
  const ctx = createContext({ ...options, config });
  const lease = createLease(ctx, options.lease);
  ctx.guard(lease.hold);
  let failure: MigrationError | undefined;
  let result: T | undefined;
  const attempt = async (step: () => void | PromiseLike<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      // What follows a stop fails too: the reason to stop is what counts, and the first failure.
      const isStopped = ctx.signal.aborted && ctx.signal.reason !== SWITCHED_OVER;
      failure ??= toMigrationError(isStopped ? ctx.signal.reason : error);
      // Nothing runs on after it.
      ctx.stop(failure);
    }
  };
  await attempt(async () => void (result = await work({ ctx, lease, config })));
  if (failure !== undefined && failure.code !== "INTERRUPTED") noteError(ctx.progress, failure);
  if (migrates) await attempt(() => ctx.call("close", failure ? { error: failure } : {}));
  await attempt(() => lease.release());
  await attempt(() => ctx[Symbol.asyncDispose]());
  if (failure !== undefined) throw failure;
  return result as T;
}
