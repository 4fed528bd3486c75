/** Whether a process that was seen once is still the same one. */
import { readFileSync } from "node:fs";

const SECOND = 1000;
/** What the kernel counts start times in: USER_HZ, 100 on every platform that has /proc. */
const TICK = SECOND / 100;
/** The system's clock may be set between two looks at it; in doubt the process is taken for the same. */
const CLOCK_SLACK = 60 * SECOND;

/**
 * Whether a process with that id is alive that was so at `since` (ms since 1970) already. Ids are given out again,
 * so on Linux the time of its start counts, and one that has ended and only waits for its parent is not alive.
 */
export function isProcessSince(pid: number, since: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Anything but "no such process" is about another user's process.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const { state, startedAt } = linuxProcess(pid) ?? {};
  if (state === "Z" || state === "X") return false;
  return startedAt === undefined || startedAt <= since + CLOCK_SLACK;
}

/** What /proc tells, see proc_pid_stat(5); undefined where there is none, or it is hidden. */
function linuxProcess(pid: number): { state: string; startedAt: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets, with blanks and brackets as it likes.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]) * SECOND;
    const startedAt = boot + Number(fields[19]) * TICK;
    return Number.isNaN(startedAt) ? undefined : { state: fields[0] ?? "", startedAt };
  } catch {
    return undefined;
  }
}
