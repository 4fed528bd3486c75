/** What happens to the machine that the tool runs on: its clock jumps, its disk is slow, fails or is full. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Skew } from "../preload.ts";
import type { Fault } from "../world.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
/** What a disk is filled by at once. */
const BLOCK = 64 * 1024;
/** More than any of them holds. */
const BLOCKS = 4096;

/**
 * Clock and syncs, by `preload.ts`.
 *
 * @param file where it reads them
 */
export function skewFaults(file: string): Fault[] {
  const skew: Skew = { clock: 0, sync: 0, fails: false };
  const now = (changes: Partial<Skew>): void =>
    writeFileSync(file, JSON.stringify(Object.assign(skew, changes)));
  now({});

  const jump: Fault = {
    name: "clock jump",
    preload: true,
    // by its clock the shards' records may have expired
    codes: ["STREAM_GAP", "CHECKPOINT_FAILED", "ALREADY_RUNNING"],
    draw(random) {
      const hours = random.pick([1, -1, 25]);
      const ms = random.between(1, 6) * SECOND;
      return {
        what: `the clock jumps by ${hours} h, and back after ${ms / SECOND} s`,
        async happen({ signal }) {
          now({ clock: hours * HOUR });
          await sleep(ms, undefined, { signal }).catch(() => {});
          now({ clock: 0 });
        },
      };
    },
  };

  const slow: Fault = {
    name: "slow disk",
    preload: true,
    draw(random) {
      const sync = random.between(100, 4000);
      const ms = random.between(2, 8) * SECOND;
      return {
        what: `every sync of a file takes ${sync} ms, for ${ms / SECOND} s`,
        async happen({ signal }) {
          now({ sync });
          await sleep(ms, undefined, { signal }).catch(() => {});
          now({ sync: 0 });
        },
      };
    },
  };

  const failing: Fault = {
    name: "failing disk",
    preload: true,
    codes: ["CHECKPOINT_FAILED", "SPOOL_FAILED", "TARGET_FAILED"],
    draw(random) {
      const ms = random.between(100, 2500);
      return {
        what: `every sync of a file fails, for ${ms} ms`,
        async happen({ signal }) {
          now({ fails: true });
          await sleep(ms, undefined, { signal }).catch(() => {});
          now({ fails: false });
        },
      };
    },
  };
  return [jump, slow, failing];
}

/** A disk of its own that can be filled. */
export function diskFaults(folder: string): Fault[] {
  const filler = join(folder, "filler");
  const full: Fault = {
    name: "full disk",
    codes: ["CHECKPOINT_FAILED", "SPOOL_FAILED", "TARGET_FAILED"],
    draw(random) {
      const ms = random.between(500, 4000);
      return {
        what: `the disk of checkpoint, spool and files is full for ${ms} ms`,
        async happen({ signal, say }) {
          say(`${fill(filler)} blocks of filling`);
          await sleep(ms, undefined, { signal }).catch(() => {});
          rmSync(filler, { force: true });
        },
      };
    },
  };
  return [full];
}

/** Until nothing more goes in; gives how many blocks did. */
function fill(file: string): number {
  const block = Buffer.alloc(BLOCK, "x");
  for (let blocks = 0; blocks < BLOCKS; blocks++) {
    try {
      writeFileSync(file, block, { flag: "a" });
    } catch {
      return blocks;
    }
  }
  throw new Error(`${file} never filled its disk: is it on one of its own?`);
}
