/** What steers a run, without one. */
import {
  CHANGEABLE,
  type RunControl,
  type SwitchoverOptions,
  type SwitchoverResult,
} from "../../core/run/control.ts";
import { MigrationError } from "../../core/errors.ts";
import type { OwnedRunControl } from "../../core/run/steering.ts";

/** See the top of the file. */
export interface FakeControl extends RunControl, Pick<OwnedRunControl, "note"> {
  /** What it was asked for. */
  calls: string[];
  /** The switch-over that is under way. */
  switching: SwitchoverOptions | undefined;
  /** Ends it. */
  finish(result: Partial<SwitchoverResult>): void;
  /** The run fails with it, and so do a pause and a switch-over that wait. */
  fail(error: Error): void;
  /** Lets `pause` resolve; until then it waits. */
  settle(): void;
}

const AT = "2026-11-26T12:00:00.000Z";

/** Takes the keys that a run takes, with any value but `wrong`; a switch-over is given up by its signal. */
export function fakeControl(): FakeControl {
  let paused = false;
  let settle = (): void => {};
  let failure: Error | undefined;
  let reject: (error: Error) => void = () => {};
  let finish: FakeControl["finish"] = () => {};
  const self: FakeControl = {
    calls: [],
    switching: undefined,
    get paused() {
      return paused;
    },
    async pause() {
      self.calls.push("pause");
      paused = true;
      await new Promise<void>((resolve, fail) => ([settle, reject] = [resolve, fail]));
    },
    resume() {
      self.calls.push("resume");
      paused = false;
    },
    async note(table) {
      self.calls.push(`note ${table}`);
      return table !== "unknown";
    },
    hasEndedBy: (error) => error === failure,
    set(texts) {
      for (const [key, text] of Object.entries(texts)) {
        if ((CHANGEABLE as readonly string[]).includes(key) && text !== "wrong") continue;
        throw new MigrationError("CONFIG_INVALID", `${key} can't be set to that`, {
          hint: "set another one",
        });
      }
      self.calls.push(`set ${JSON.stringify(texts)}`);
    },
    switchover(options) {
      self.calls.push("switchover");
      self.switching = options;
      return new Promise((resolve, fail) => {
        reject = fail;
        finish = (result) => {
          self.switching = undefined;
          resolve({ outcome: "done", at: AT, changesAfter: 0, ...result });
        };
        options.signal?.addEventListener("abort", () => finish({ outcome: "aborted" }), { once: true });
      });
    },
    finish: (result) => finish(result),
    settle: () => settle(),
    fail: (error) => reject((failure = error)),
  };
  return self;
}
