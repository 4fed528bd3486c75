/** What becomes of a step that failed: the `error` hooks decide. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../plugin/context.ts";
import { toMigrationError, type MigrationError } from "../errors.ts";
import type { ErrorEvent, Stage } from "../plugin/hooks.ts";
import type { Batch, SourceRecord } from "../types.ts";

/** Before a step that an `error` hook wants once more, in ms; twice as long each time. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;

/** The part of the event that is known before anything fails. */
export type Failing = Pick<ErrorEvent, "stage" | "table" | "batch">;

/** The stages of a step in which failures happened, where a step has several. */
const stageOf = new WeakMap<object, Stage>();

/** Runs a stage of a step that has several, so that a failure is told with its name. */
export async function inStage<T>(stage: Stage, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : toMigrationError(thrown);
    stageOf.set(error, stage);
    throw error;
  }
}

/**
 * Runs a step. When it fails and somebody listens to `error`, it is run again, left out, or its failure thrown.
 *
 * @param run may be called again and again; its stages beyond the first are run by {@link inStage}
 * @param skip what comes of the step when it is left out; missing: it can't be
 */
export async function runStep<T>(
  ctx: Context,
  failing: Failing,
  run: () => T | Promise<T>,
  skip?: (error: MigrationError, stage: Stage) => T | Promise<T>,
): Promise<T> {
  if (!ctx.listens("error")) return run();
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (thrown) {
      const error = toMigrationError(thrown);
      const stage = stageOf.get(thrown as object) ?? failing.stage;
      // What fails because the run stops is no news, and what becomes of a gap is said by `on_gap`.
      if (ctx.signal.aborted || error.code === "STREAM_GAP") throw thrown;
      const action = await ask(ctx, { ...failing, stage, error, attempt });
      if (action === "skip" && skip !== undefined) return skip(error, stage);
      if (action === "skip") {
        ctx.log.warn(`an error hook wants to skip what can't be skipped, at ${stage}: the run stops`);
      }
      if (action !== "retry") throw error;
      ctx.log.warn(`${error.message}: tried again, as an error hook wants`);
      await sleep(Math.min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE), undefined, {
        signal: ctx.signal,
      }).catch(() => {
        throw error;
      });
    }
  }
}

/** A hook that throws decides nothing: the failure it was asked about is what counts. */
async function ask(ctx: Context, event: ErrorEvent): Promise<ErrorEvent["action"]> {
  try {
    await ctx.call("error", event);
    return event.action;
  } catch (error) {
    ctx.log.error((error as Error).message);
    return "stop";
  }
}

/**
 * The same for a step on a batch: when it is left out, its records are tried one by one, and what fails by itself is
 * asked about again; only that goes to the file of skipped records.
 *
 * @param run on some of the batch's records; may be called again and again
 * @param merge what comes of parts of the batch; of none, when all is left out
 */
export function runBatchStep<T>(
  ctx: Context,
  { stage: first, batch: { unit, records } }: { stage: Stage; batch: Batch },
  run: (records: SourceRecord[]) => Promise<T>,
  merge: (parts: T[]) => T,
): Promise<T> {
  const batch = { unit, records };
  return runStep(
    ctx,
    { stage: first, table: unit.table, batch },
    () => run(records),
    async (error, stage) => {
      if (records.length === 1) {
        await ctx.skip({ stage, batch, error });
        return merge([]);
      }
      const parts: T[] = [];
      for (const record of records) {
        parts.push(await runBatchStep(ctx, { stage: first, batch: { unit, records: [record] } }, run, merge));
      }
      return merge(parts);
    },
  );
}
