/** `verify.after_full`: what was copied is compared by the run that has copied it. */
import { MigrationError, toMigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import { createProgress, type Progress, trackTable } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import { type Extent, sampleOf } from "../verify/extent.ts";
import type { AskToNote, Follower } from "../verify/follower.ts";
import { isEqual, undecidedOf } from "../verify/report.ts";
import { checkComparable, SETTLE, type Verdict, verifyTables } from "../verify/verify.ts";
import type { SwitchoverOptions } from "./control.ts";
import { scopedContext } from "./scoped-context.ts";
import { SWITCHED_OVER } from "./session.ts";

const SAMPLE = 0.01;

/** Refuses, before anything is copied, what couldn't be compared afterwards. */
export function checkAfterFull(ctx: Context, tables: Table[]): void {
  const asked = ctx.config["verify.after_full"];
  if (asked !== "off") checkComparable(ctx, tables, asked === "count");
}

/**
 * Compares what a run without streams has copied, before it says that it is done.
 *
 * @param tell told what came of it
 * @throws MigrationError DIFFERENT
 */
export async function verifyCopied(
  ctx: Context,
  tables: Table[],
  tell: (verdict: Verdict) => void,
): Promise<void> {
  const verdict = await verify(ctx, tables, "nobody");
  if (verdict === undefined) return;
  tell(verdict);
  if (verdict.isDifferent) throw different(verdict);
  if (!isEqual(verdict)) tellUndecided(ctx, verdict);
}

/**
 * Compares what is followed from now on; whatever comes of it, the following goes on.
 *
 * @param note makes the following note how far it is
 * @param tell told what came of it
 */
export async function verifyFollowed(
  ctx: Context,
  tables: Table[],
  note: AskToNote,
  tell: (verdict: Verdict) => void,
): Promise<void> {
  const scope = scopedContext(ctx, () => true);
  try {
    const verdict = await verify(scope, tables, "ours", note);
    if (verdict === undefined) return;
    tell(verdict);
    if (verdict.isDifferent) ctx.log.error(different(verdict).message);
    else if (isEqual(verdict)) ctx.log.info("source and target are equal");
    else tellUndecided(ctx, verdict);
  } catch (thrown) {
    if (ctx.signal.reason === SWITCHED_OVER)
      ctx.log.warn("the comparison of verify.after_full is broken off");
    if (ctx.signal.aborted) return;
    ctx.log.error(`the comparison failed, the run goes on: ${toMigrationError(thrown).message}`);
  }
}

/**
 * Compares what is followed, which goes on being followed.
 *
 * @param note makes the following note how far it is
 * @param signal gives it up
 * @throws MigrationError when a side can't be read; the signal's reason
 */
export async function compareFollowed(
  ctx: Context,
  tables: Table[],
  asked: NonNullable<SwitchoverOptions["verify"]>,
  note: AskToNote,
  signal: AbortSignal,
): Promise<Verdict> {
  const scope = scopedContext(ctx, () => true);
  const giveUp = (): void => scope.stop(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    ctx.log.info("comparing source and target before the switch-over");
    const verdict = await verifyTables(scope, tables, {
      name: ctx.config.id,
      keptAs: "verify-run",
      settle: SETTLE,
      fresh: true,
      follower: "ours",
      note,
      extent: asked === "all" ? { kind: "all" } : sampleOf(asked),
      progress: progressOf(tables),
    });
    if (verdict.isDifferent) ctx.log.error(different(verdict).message);
    else if (!isEqual(verdict)) tellUndecided(ctx, verdict);
    return verdict;
  } catch (error) {
    throw toMigrationError(scope.signal.aborted ? scope.signal.reason : error);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Undefined: nobody wants it. */
async function verify(
  ctx: Context,
  tables: Table[],
  follower: Follower,
  note?: AskToNote,
): Promise<Verdict | undefined> {
  const asked = ctx.config["verify.after_full"];
  if (asked === "off" || ctx.config.sync_schema_only) return undefined;
  ctx.log.info(`comparing source and target, verify.after_full = ${asked}`);
  const extents: Record<typeof asked, Extent> = {
    count: { kind: "count" },
    sample: sampleOf({ share: SAMPLE }),
    full: { kind: "all" },
  };
  return verifyTables(ctx, tables, {
    name: ctx.config.id,
    keptAs: "verify-run",
    settle: SETTLE,
    fresh: true,
    follower,
    note,
    extent: extents[asked],
    progress: progressOf(tables),
  });
}

/** Counters of its own. */
function progressOf(tables: Table[]): Progress {
  const progress = createProgress();
  for (const table of tables) trackTable(progress, table);
  return progress;
}

function tellUndecided({ log }: Context, { tables }: Verdict): void {
  log.warn(`nothing differs between source and target, but keys aren't decided: ${undecidedOf(tables)}`);
}

function different({ faults, path }: Verdict): MigrationError {
  return new MigrationError("DIFFERENT", `source and target differ, ${faults} differences: ${path}`, {
    hint: "see that file; nimo-shake verify --repair writes what the source has over what differs",
  });
}
