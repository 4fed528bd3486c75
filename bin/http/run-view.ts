/** What the ports show of a run. */
import type { Config } from "../../core/config/config.ts";
import type { Progress } from "../../core/progress/progress.ts";
import { describeRun, type RunIdentity, type RunStatus } from "../../core/progress/run-status.ts";
import type { RecentLine } from "../log/recent.ts";

/** See the top of the file; everything may be asked at any time. */
export interface RunView {
  config: Config;
  identity: RunIdentity;
  progress: Progress;
  /** As it is now. */
  status(): RunStatus;
  /** The last warnings and errors of the log, the newest last; secrets are hidden. */
  warnings(): readonly RecentLine[];
}

/** What {@link createRunView} takes beside the run. */
export interface RunViewOptions extends Pick<RunView, "config" | "identity" | "progress" | "warnings"> {
  /** Hides secrets. */
  redact: (text: string) => string;
}

/** A run's view; what it says has no secrets. */
export function createRunView({ config, progress, warnings, identity, redact }: RunViewOptions): RunView {
  return {
    config,
    identity,
    progress,
    status() {
      const status = describeRun(identity, progress, Date.now());
      const { lastError } = status;
      if (lastError === null) return status;
      return { ...status, lastError: { ...lastError, message: redact(lastError.message) } };
    },
    warnings,
  };
}
