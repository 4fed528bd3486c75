/** A switch-over with its time limit, from the command to what came of it. */
import { MigrationError } from "../errors.ts";
import type { Gate } from "../flow/gate.ts";
import type { SwitchoverOptions, SwitchoverResult } from "./control.ts";
import { type SteeredRun, switchOver } from "./switchover.ts";
import { createTeller } from "./switchover-waiting.ts";

/** The longest time a timer can wait, in ms. */
const LONGEST = 2_147_483_647;

/** What a switch-over of a run needs. */
export interface BeginSwitchover {
  run: SteeredRun;
  gate: Gate;
  /** When the command came, in ms since 1970. */
  at: number;
  /** Resolves when the run is over, all of it closed; rejects with its failure. */
  over: () => Promise<void>;
}

/**
 * Switches a run over, unless that is given up.
 *
 * @throws MigrationError CONFIG_INVALID with `sync_mode = full`; what the run fails with, or a comparison
 */
export async function beginSwitchover(
  { run, gate, at, over }: BeginSwitchover,
  options: SwitchoverOptions,
): Promise<SwitchoverResult> {
  const { ctx, config } = run;
  if (config.sync_mode === "full") {
    throw new MigrationError(
      "CONFIG_INVALID",
      "with sync_mode = full nothing is followed, and nothing switched over",
      {
        hint: "it ends by itself when all is copied",
      },
    );
  }
  const progress = { at, changesAfter: 0, isDone: false };
  ctx.progress.switchover = progress;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.min(options.timeout, LONGEST));
  const signal = AbortSignal.any([late.signal, ctx.signal, ...(options.signal ? [options.signal] : [])]);
  const teller = createTeller(options.onWaiting);
  const result = (outcome: SwitchoverResult["outcome"]): SwitchoverResult => ({
    outcome,
    at: new Date(at).toISOString(),
    changesAfter: progress.changesAfter,
  });
  const switching = {
    ctx,
    gate,
    tables: () => run.tables,
    followed: () => run.followed,
    tell: teller.tell,
    signal,
    progress,
  };
  try {
    const verdict = await switchOver(switching, options);
    if (verdict?.isDifferent) return { ...result("different"), verdict };
    await over();
    return { ...result("done"), ...(verdict && { verdict }) };
  } catch (error) {
    if (progress.isDone || !signal.aborted) throw error;
    if (ctx.signal.aborted) throw ctx.signal.reason;
    return late.signal.aborted ? { ...result("timeout"), waitedFor: teller.last } : result("aborted");
  } finally {
    clearTimeout(timer);
    if (!progress.isDone) ctx.progress.switchover = undefined;
  }
}
