/** Steers a run from outside: pause, settings, switch-over. */
import { MigrationError } from "../errors.ts";
import { type Closing, createGate, type Gate } from "../flow/gate.ts";
import { KEPT } from "../types.ts";
import { beginSwitchover } from "./begin-switchover.ts";
import type { RunControl, SwitchoverOptions, SwitchoverResult } from "./control.ts";
import { changeSettings } from "./live-settings.ts";
import { SWITCHED_OVER } from "./session.ts";
import type { SteeredRun } from "./switchover.ts";

const HOUR = 3_600_000;
/** Before records expire that nobody reads while a run is paused, it is said. */
const WARN_AFTER: number = KEPT - 3 * HOUR;

/** What only the run does. */
export interface OwnedRunControl extends RunControl {
  readonly gate: Gate;
  /** Resolves when the run has begun, or is over. */
  begun(): Promise<void>;
  /** The run begins. */
  begin(run: SteeredRun): void;
  /**
   * Notes up to when what was written to a table is applied, and saves it, for a comparison that waits for it.
   *
   * @returns whether it is followed by now
   * @throws MigrationError NOT_RUNNING: the run has not begun, or is over; what the save fails with, which stops the run
   */
  note(table: string): Promise<boolean>;
  /** It is over, all of it is closed. @param failure what it has failed with */
  end(failure?: unknown): void;
}

/** Makes what steers one run. What is asked of it before the run has begun waits, or is refused. */
export function createRunControl(): OwnedRunControl {
  const gate = createGate();
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  let failed: { failure: unknown } | undefined;
  let run: SteeredRun | undefined;
  let isOver = false;
  let pausing: Closing | undefined;
  let warning: NodeJS.Timeout | undefined;
  let isSwitching = false;

  const hasBegun = (): Promise<void> => Promise.race([begun.promise, over.promise]);

  function running(): SteeredRun {
    if (run === undefined || isOver) throw notRunning(isOver);
    return run;
  }

  /** Notes and tells that the run is paused, or goes on. */
  function showPause(): void {
    clearTimeout(warning);
    if (run === undefined) return;
    const { ctx } = run;
    ctx.progress.paused = pausing !== undefined;
    if (pausing === undefined) return ctx.log.info("goes on after the pause");
    ctx.log.info("paused: nothing more is read");
    warning = setTimeout(() => {
      ctx.log.warn(
        `paused for ${WARN_AFTER / HOUR} h: a stream keeps changes for 24 h, what is older when it is resumed is lost`,
      );
    }, WARN_AFTER).unref();
  }

  async function ended(): Promise<void> {
    await over.promise;
    if (failed !== undefined) throw failed.failure;
  }

  async function switchover(options: SwitchoverOptions): Promise<SwitchoverResult> {
    const at = Date.now();
    await hasBegun();
    if (run === undefined) throw failed?.failure ?? notRunning(true);
    return beginSwitchover({ run, gate, at, over: ended }, options);
  }

  return {
    gate,
    begun: hasBegun,
    begin(begins) {
      run = begins;
      if (pausing !== undefined) showPause();
      begun.resolve();
    },
    end(failure) {
      if (isOver) return;
      isOver = true;
      if (failure !== undefined) failed = { failure };
      clearTimeout(warning);
      pausing?.open();
      pausing = undefined;
      if (run !== undefined) run.ctx.progress.paused = false;
      over.resolve();
    },
    async pause() {
      if (isOver) throw notRunning(isOver);
      if (pausing === undefined) {
        pausing = gate.close();
        showPause();
      }
      const mine = pausing;
      await mine.atRest;
      const { aborted, reason } = run?.ctx.signal ?? {};
      if (aborted) throw reason === SWITCHED_OVER ? notRunning(true) : reason;
      if (pausing === mine) run?.ctx.log.info("what was read before the pause is written and saved");
    },
    resume() {
      if (pausing === undefined) return;
      pausing.open();
      pausing = undefined;
      showPause();
    },
    get paused() {
      return pausing !== undefined;
    },
    hasEndedBy(error) {
      const { aborted, reason } = run?.ctx.signal ?? {};
      return (failed !== undefined && error === failed.failure) || (aborted === true && error === reason);
    },
    set(texts) {
      const { ctx, config, tables } = running();
      changeSettings(ctx, config, texts, tables !== undefined);
    },
    async note(table) {
      return (await running().followed?.follower.note(table)) ?? false;
    },
    async switchover(options) {
      if (isOver) throw notRunning(isOver);
      if (isSwitching) throw notSwitched("another one is waited for", "wait for it, or give it up");
      if (pausing !== undefined) throw notSwitched("the run is paused", "resume it before");
      isSwitching = true;
      try {
        return await switchover(options);
      } finally {
        isSwitching = false;
      }
    },
  };
}

function notRunning(isOver: boolean): MigrationError {
  const what = isOver ? "the run is over" : "the run has not begun";
  return new MigrationError("NOT_RUNNING", what, {
    hint: isOver ? "start it again: it goes on where it ended" : "try it again in a moment",
  });
}

function notSwitched(why: string, hint: string): MigrationError {
  return new MigrationError("NOT_SWITCHED", `no switch-over is begun: ${why}`, { hint });
}
