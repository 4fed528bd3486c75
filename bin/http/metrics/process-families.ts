/**
 * Metrics of the process, under the names that everybody uses. Own code: prom-client's need what not every runtime has,
 * and leave watches behind.
 */
import type { Family } from "./family.ts";

const SECOND = 1000;
const MICROSECONDS = 1e6;

const startedAt = Date.now() / SECOND - process.uptime();

function ofProcess(kind: Family["kind"], name: string, help: string, value: () => number): Family {
  return {
    kind,
    name,
    help,
    labels: [],
    *read() {
      yield { value: value() };
    },
  };
}

/** See the top of the file. */
export const PROCESS_FAMILIES: readonly Family[] = [
  ofProcess("counter", "process_cpu_seconds_total", "CPU time that the process has used", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / MICROSECONDS;
  }),
  ofProcess("gauge", "process_resident_memory_bytes", "Memory that the process holds", () =>
    process.memoryUsage.rss(),
  ),
  ofProcess(
    "gauge",
    "process_heap_bytes",
    "Of it, the heap of objects that is in use",
    () => process.memoryUsage().heapUsed,
  ),
  ofProcess("gauge", "process_start_time_seconds", "When the process began", () => startedAt),
  {
    kind: "gauge",
    name: "nimoshake_event_loop_lag_seconds",
    help: "How late timers were at most since the last time this was asked for",
    labels: [],
    *read({ loop }) {
      yield { value: loop.read().max / SECOND };
    },
  },
];
