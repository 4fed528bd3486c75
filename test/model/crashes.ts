/** Work on a disk in memory that is cut off anywhere: by the death of its process, or of the machine. */
import fc from "fast-check";
import { createChance } from "./chance.ts";
import { createDisk, type Disk } from "./disk.ts";
import type { FakeFiles } from "./files.ts";

/** What a process's end leaves of the disk. */
export interface Crash {
  /** After so many steps on the disk. */
  after: number;
  /** The machine's end: what isn't synced is lost, or some of it. */
  power: boolean;
  seed: number;
}

/** A crash, or none within so many steps. */
export const crash: fc.Arbitrary<Crash> = fc.record({
  after: fc.nat(60),
  power: fc.boolean(),
  seed: fc.nat(),
});

/** What a step behind the crash fails with. */
export const CUT_OFF: Error = new Error("cut off");

/** Mounts an empty disk; gives what runs work on it until a crash, or the work's end. */
export function crashingDisk(
  files: FakeFiles,
  now: () => number = Date.now,
): { disk: Disk; until(crash: Crash, work: () => Promise<void>): Promise<void> } {
  const disk = createDisk(now);
  return {
    disk,
    async until({ after, power, seed }, work) {
      let left = after;
      files.mounted = {
        disk,
        async step(work) {
          await Promise.resolve();
          if (left-- <= 0) throw CUT_OFF;
          return work();
        },
      };
      try {
        await work();
      } catch (error) {
        // What is thrown of it may be told in the words of who met it.
        if (left >= 0) throw error;
      }
      // Nothing of that process happens any more.
      left = 0;
      if (power) disk.lose(createChance(seed));
    },
  };
}
