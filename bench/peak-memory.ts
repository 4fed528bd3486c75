/** The memory of processes that are measured, as the kernel counts it. */
import { readdirSync, readFileSync } from "node:fs";

/**
 * The most resident bytes so far of a process, and of its descendants; 0 where there is no /proc, or when it has ended meanwhile.
 * Of a child that has ended the kernel tells a maximum that has our own size at the fork in it.
 */
export function peakBytesOf(pid: number): number {
  try {
    const kb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
    );
    return children.reduce((sum, child) => sum + peakBytesOf(Number(child)), kb * 1024);
  } catch {
    return 0;
  }
}
