/** Whether a process that was seen once is still the same one. */
import { isAlive, isOver, linuxProcess } from "../core/host/process.ts";

/** The system's clock may be set between two looks at it; in doubt the process is taken for the same. */
const CLOCK_SLACK = 60_000;

/**
 * Whether a process with that id is alive that was so at `since` (ms since 1970) already. Ids are given out again,
 * so on Linux the time of its start counts, and one that has ended and only waits for its parent is not alive.
 */
export function isProcessSince(pid: number, since: number): boolean {
  if (!isAlive(pid)) return false;
  const { state, startedAt } = linuxProcess(pid) ?? {};
  return !isOver(state) && (startedAt === undefined || startedAt <= since + CLOCK_SLACK);
}
