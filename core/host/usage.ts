/** What this process has used since its start. */

/** See the top of the file. */
export interface ProcessUsage {
  /** Since it began. */
  seconds: number;
  /** User and system time of all its threads. */
  cpuSeconds: number;
  /** For how long its main thread did nothing but wait, for answers or for a processor; null: the runtime doesn't tell. */
  idleSeconds: number | null;
  /** The most resident memory that it had, in bytes. */
  peakBytes: number;
}

const MICROSECOND = 1e-6;

/** Of this process. */
export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  // Node has it from 24 on.
  const busy = process.threadCpuUsage?.();
  const seconds = process.uptime();
  return {
    seconds,
    cpuSeconds: (user + system) * MICROSECOND,
    idleSeconds: busy === undefined ? null : Math.max(0, seconds - (busy.user + busy.system) * MICROSECOND),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}
