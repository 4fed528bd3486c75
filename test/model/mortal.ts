/** A process that may be killed between any two of its steps, with what it has sent done in part. */
import type { Chance } from "./chance.ts";

/** How a step's work is done: all of it, or what a crash leaves of it. */
export type Share = "all" | "some";

/** See the top of the file. */
export interface Mortal {
  readonly isDead: boolean;
  /** Steps made. */
  readonly steps: number;
  /**
   * Makes a step that changes or reads something outside, after a while; nothing of it happens when the process is dead.
   *
   * @param work does it at once; of what has parts some are done when the process is killed meanwhile
   */
  step<T>(work: (share: Share) => T): Promise<T>;
  /** Kills it: what it has sent may still be done, or some of it, at once or later. */
  kill(): void;
}

/** So long after it was sent it comes at the latest, in ms: so long a kernel tries. */
const LATEST = 100_000;

/** What a dead process's steps fail with. */
export const KILLED: Error = new Error("killed");

/** What dead processes have sent that is still on its way. */
export interface Late {
  /** Sent, and to be done when its time comes, in ms since 1970. */
  sent: { at: number; work: () => void }[];
}

/** What has come by a time is done, in whatever order it comes. */
export function arrive(late: Late, now: number): void {
  const come = late.sent.filter(({ at }) => at <= now);
  late.sent = late.sent.filter(({ at }) => at > now);
  for (const { work } of come) work();
}

/** What {@link createMortal} takes. */
export interface MortalOptions {
  chance: Chance;
  sleep: (ms: number) => Promise<void>;
  /** A step or an answer takes so long at most, in ms. */
  slowest: number;
  /** Told before each step: it may kill the process. */
  onStep: () => void;
  late: Late;
  now: () => number;
}

/** Begins one. */
export function createMortal({ chance, sleep, slowest, onStep, late, now }: MortalOptions): Mortal {
  let isDead = false;
  let steps = 0;
  /** What is sent and not done. */
  const onTheWay = new Set<(share: Share) => void>();

  const pause = (): Promise<void> | undefined =>
    chance.percent(50) ? sleep(chance.below(slowest)) : undefined;
  const check = (): void => {
    if (isDead) throw KILLED;
  };

  return {
    get isDead() {
      return isDead;
    },
    get steps() {
      return steps;
    },
    async step(work) {
      check();
      onTheWay.add(work);
      try {
        await pause();
        check();
        steps++;
        arrive(late, now());
        onStep();
        check();
      } finally {
        onTheWay.delete(work);
      }
      const answer = work("all");
      // An answer may be lost.
      await pause();
      check();
      return answer;
    },
    kill() {
      isDead = true;
      for (const work of onTheWay) {
        if (chance.percent(50)) continue;
        const share = chance.percent(50) ? "all" : "some";
        const done = (): void => {
          try {
            work(share);
          } catch {}
        };
        if (chance.percent(50)) done();
        else late.sent.push({ at: now() + chance.below(LATEST), work: done });
      }
      onTheWay.clear();
    },
  };
}

/** Some of these, when only a share of them is done. */
export function shareOf<T>(all: readonly T[], share: Share, chance: Chance): readonly T[] {
  return share === "all" ? all : all.filter(() => chance.percent(50));
}
