/** A schedule, drawn whole from its seed before anything is played. */
import { type Configuration, drawConfiguration, type Wanted } from "./configuration.ts";
import { createRandom, type Random } from "./random.ts";
import type { Fault, Happening, World } from "./world.ts";

/** How long schedules are. */
export interface Size {
  /** Steps with faults, from and to. */
  steps: readonly [number, number];
  /** Changes at the source, at least. */
  changes: number;
  /** Of these, so many a second at most, while faults happen. */
  perSecond: number;
}

/** As it is run by hand. */
export const FULL: Size = { steps: [5, 9], changes: 4000, perSecond: 160 };
/** As CI runs it. */
export const SHORT: Size = { steps: [3, 4], changes: 800, perSecond: 120 };

/** What happens at once, some time after what happened before is over. */
export interface Step {
  afterMs: number;
  happenings: (Happening & { name: string })[];
}

/** How it ends: by a switch-over, or by SIGTERM when both sides are equal. */
export type Ending = "switchover" | "SIGTERM";

/** See the top of the file. */
export interface Plan {
  steps: Step[];
  ending: Ending;
  /** Kinds of all that happens. */
  faults: Fault[];
}

/** The configuration of a seed. */
export function configurationOf(seed: number, { targets }: World, wanted: Wanted): Configuration {
  const drawn = drawConfiguration(createRandom(seed, "configuration"), targets, wanted);
  if (drawn.target !== "file") return drawn;
  // files are filled only, and slowly enough for something to happen meanwhile
  return { ...drawn, spool: false, settings: { ...drawn.settings, "qps.full.batch_num": 5, "qps.full": 20 } };
}

/** The faults of a seed. */
export function drawPlan(seed: number, faults: readonly Fault[], { steps: [from, to] }: Size): Plan {
  const random = createRandom(seed, "plan");
  const chosen: Fault[] = [];
  const steps = Array.from({ length: random.between(from, to) }, () => {
    const together = drawTogether(random, faults);
    chosen.push(...together);
    // each has draws of its own: a change of one leaves the others as they are
    const happenings = together.map((fault, i) => ({
      name: fault.name,
      ...fault.draw(createRandom(seed, `fault ${chosen.length} ${i} ${fault.name}`)),
    }));
    return { afterMs: random.between(200, 2500), happenings };
  });
  return { steps, ending: random.pick(["switchover", "switchover", "SIGTERM"]), faults: chosen };
}

/** One, sometimes two or three at once; one of them at most takes hold of the process. */
function drawTogether(random: Random, faults: readonly Fault[]): Fault[] {
  const count = random.pick([1, 1, 1, 2, 2, 3]);
  const processFaults = faults.filter(({ process }) => process);
  const others = faults.filter(({ process }) => !process);
  const together = random.chance(0.55) ? [random.pick(processFaults)] : [];
  while (together.length < count) {
    const next = random.pick(others);
    if (!together.includes(next)) together.push(next);
  }
  return together;
}
