/** A process as others know it: which machine it runs on, and whether it still does. */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

const SECOND = 1000;
/** What the kernel counts start times in: USER_HZ, 100 on every platform that has /proc. */
const TICK = SECOND / 100;

/** See the top of the file. */
export interface HostProcess {
  host: string;
  /** Tells machines of one name apart, and within a machine its starts and its containers; empty: nobody can. */
  system: string;
  pid: number;
  /** When it began, in the kernel's ticks since the machine's start; an id is given out again. Undefined: unknown. */
  startedAt?: string | undefined;
}

/** This process. */
export function thisProcess(): HostProcess {
  const startedAt = linuxProcess(process.pid)?.ticks;
  return { host: hostname(), system: systemId(), pid: process.pid, ...(startedAt && { startedAt }) };
}

/** Whether a process still runs; undefined: it isn't one of this machine, so nobody here can tell. */
export function isRunning({ host, system, pid, startedAt }: HostProcess): boolean | undefined {
  if (host !== hostname() || system !== systemId()) return undefined;
  if (!isAlive(pid)) return false;
  const { state, ticks } = linuxProcess(pid) ?? {};
  if (isOver(state)) return false;
  return startedAt === undefined || ticks === undefined || startedAt === ticks;
}

/** Whether a process id is in use. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Anything but "no such process" is about another user's process.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Whether a process has ended and only waits for its parent. */
export function isOver(state: string | undefined): boolean {
  return state === "Z" || state === "X";
}

/** What /proc tells, see proc_pid_stat(5); undefined where there is none, or it is hidden. */
export function linuxProcess(pid: number): { state: string; ticks: string; startedAt: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets, with blanks and brackets as it likes.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields[19] ?? "";
    const boot = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]) * SECOND;
    const startedAt = boot + Number(ticks) * TICK;
    return Number.isNaN(startedAt) ? undefined : { state: fields[0] ?? "", ticks, startedAt };
  } catch {
    return undefined;
  }
}

/** Process ids mean the same within one start of a machine and one container. */
function systemId(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}
