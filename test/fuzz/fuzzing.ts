/**
 * Seeded and bounded fuzzing: how many inputs there are, from which seed, and what became of them.
 *
 * NIMO_TEST_FUZZ_SEED replays a run exactly; NIMO_TEST_FUZZ_TIMES = 50 makes it fifty times as long, of other inputs each
 * time; without either it is the same ones every time.
 */
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { MigrationError } from "../../core/errors.ts";

const MINUTE = 60_000;
const LARGEST_SEED = 2 ** 31;

/** Of the inputs that CI tries: what nobody has changed doesn't fail there by luck. */
const CI_SEED = 1;
/** So many times as many inputs, other ones each time. */
const LONGER = process.env["NIMO_TEST_FUZZ_TIMES"];
const TIMES = Number(LONGER ?? 1);
/** Of all that is drawn in this process. */
const SEED = Number(
  process.env["NIMO_TEST_FUZZ_SEED"] ??
    (LONGER === undefined ? CI_SEED : Math.floor(Math.random() * LARGEST_SEED)),
);

/** What became of an input: `right`, or the name of the error. */
export type Outcome = string;

const counts = new Map<string, Map<Outcome, number>>();

/** What {@link fuzz} takes. */
export interface Fuzz<Input> {
  /** Arbitrary inputs. */
  inputs: fc.Arbitrary<Input>;
  /** How many; default: 300. */
  runs?: number;
  /** Fails the test, or says what became of the input. */
  check: (input: Input) => Outcome | Promise<Outcome>;
  /** What has to come up: a check that saw nothing of it has looked at the wrong inputs. */
  sees?: Outcome[];
}

/** A test of many inputs. A failing one is shrunk, and its seed printed. */
export function fuzz<Input>(kind: string, { inputs, runs = 300, check, sees = [] }: Fuzz<Input>): void {
  test(
    kind,
    async () => {
      const outcomes = new Map<Outcome, number>();
      counts.set(kind, outcomes);
      await fc.assert(
        fc.asyncProperty(inputs, async (input) => {
          const outcome = await check(input);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }),
        { seed: SEED, numRuns: Math.ceil(runs * TIMES) },
      );
      for (const outcome of sees) expect([...outcomes.keys()]).toContain(outcome);
    },
    10 * MINUTE,
  );
}

afterAll(() => {
  for (const [kind, outcomes] of counts) {
    const all = [...outcomes.values()].reduce((sum, each) => sum + each, 0);
    const each = [...outcomes].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`);
    console.log(`fuzz, seed ${SEED}: ${kind}: ${all} inputs: ${each.join(", ")}`);
  }
  counts.clear();
});

/** The code of an error the user may see; anything else is a defect, and thrown on. */
export function codeOf(error: unknown): Outcome {
  if (error instanceof MigrationError && error.code !== "INTERNAL") return error.code;
  throw error;
}
