/** Checkpoints by themselves, without a migration around them. */
import { type ContextOptions, createContext, type OwnedContext } from "../../../core/run/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import type { Checkpoint } from "../../../core/plugin/roles.ts";
import { testConfig } from "../../fakes/context.ts";

/** A checkpoint in a context of its own, as a new process would have it. */
export interface Opened extends AsyncDisposable {
  checkpoint: Checkpoint;
  ctx: OwnedContext;
}

/** Opens the checkpoint at a place for one migration. */
export async function openCheckpoint(
  plugin: Plugin,
  settings: Record<string, string>,
  { id = "app", ...more }: { id?: string | undefined } & Pick<ContextOptions, "log" | "patience"> = {},
): Promise<Opened> {
  const config = testConfig({ id, "checkpoint.db": "states", ...settings });
  const ctx = createContext({ config, ...more });
  await ctx.use(plugin);
  return { ctx, checkpoint: ctx.role("checkpoint"), [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose]() };
}

/** Fails unless a call ends with this code and says all of this in its message or hint. */
export async function expectFailure(call: Promise<unknown>, code: string, ...says: string[]): Promise<void> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof MigrationError))
    throw new Error(`no such failure: ${String(error)}`, { cause: error });
  const text = `[${error.code}] ${error.message}\nhint: ${error.hint}`;
  for (const each of [`[${code}]`, ...says])
    if (!text.includes(each)) throw new Error(`"${each}" is missing: ${text}`);
}
