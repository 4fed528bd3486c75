/** What the ports show of a run. */
import type { Config } from "../../core/config/config.ts";
import type { Progress } from "../../core/progress/progress.ts";
import type { RunStatus } from "../../core/progress/run-status.ts";
import type { RecentLine } from "../log/recent.ts";

/** See the top of the file; everything may be asked at any time. */
export interface RunView {
  config: Config;
  progress: Progress;
  /** As it is now. */
  status(): RunStatus;
  /** The last warnings and errors of the log, the newest last; secrets are hidden. */
  warnings(): readonly RecentLine[];
}
