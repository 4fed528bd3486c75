/** What `/events` sends: the names of its events, and the JSON that each has as its data. */
import type { RunStatus } from "../../core/progress/run-status.ts";
import type { RecentLine } from "../log/recent.ts";

/** A stretch of time of a run, for plots. Rates are a second's, over the stretch. */
export interface LivePoint {
  /** When it ended, in ms since 1970. */
  at: number;
  /** How long it was, in seconds. */
  span: number;
  /** Items copied. */
  items: number;
  /** Changes applied. */
  changes: number;
  /** Bytes received from the source. */
  bytes: number;
  /** Read units that the Scans used. */
  units: number;
  /** How far the target was behind, see `behindOf` in samples.ts; in seconds, the most of the stretch. */
  behind: number | null;
}

/** A run at a moment. */
export interface LiveStatus {
  status: RunStatus;
  /** How much of the full phase is done, from 0 to 1. */
  share: number | null;
  /** Since the event before, the newest last; who is slow misses some. */
  points: LivePoint[];
}

/** The data of each event. */
export interface LiveEvents {
  /** First, once: what was before. */
  history: LivePoint[];
  /** The log's last warnings and errors, all of them, the newest last: at first, and whenever one came. */
  warnings: readonly RecentLine[];
  /** At first, and every second. */
  status: LiveStatus;
  /** The run is over: this is the last event. */
  end: LiveStatus;
}
