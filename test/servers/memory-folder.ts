/** A folder in memory for the data of servers that live as long as a test: each write waits for no disk there. */
import { readFileSync, statfsSync } from "node:fs";

const GB = 1024 ** 3;
const FOLDER = "/dev/shm";
/** A mongod takes some 0.3 GB, and several run at once. */
const ROOM = 4 * GB;
const AVAILABLE = 8 * GB;

/** Undefined: there is none, or too little memory for it. */
export function memoryFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(FOLDER);
    const [, kb] = /^MemAvailable: +(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
    // Of a container; where there is no limit it is 0 or more than the machine has.
    const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
    const isEnough = bavail * bsize >= ROOM && Number(kb) * 1024 >= AVAILABLE && limit >= 2 * AVAILABLE;
    return isEnough ? FOLDER : undefined;
  } catch {
    return undefined;
  }
}
