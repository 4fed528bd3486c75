/** Processes that want one lease, paused, asleep, cut off and killed at any moment: never two that may write at once. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { MigrationError } from "../../../core/errors.ts";
import { type LeaseProcess, leaseProcess, type LeaseStore, WAY } from "../../model/leases.ts";
import { runs } from "../../model/runs.ts";
import { fakeTime, type FakeTime } from "../../model/time.ts";

setDefaultTimeout(3_600_000);

let time: FakeTime;
beforeAll(async () => void (time = await fakeTime()));
afterAll(() => time.restore());

const SECOND = 1000;
const PROCESSES = 2;
/** The store answers so late at most, in ms. */
const LATEST = 25 * SECOND;
/** What a process that isn't alone may end with. */
const REFUSALS = new Set(["ALREADY_RUNNING", "CHECKPOINT_FAILED"]);

type Happening =
  | { kind: "start" | "stop" | "kill" | "thaw" }
  | { kind: "freeze"; isAsleep: boolean }
  | { kind: "wall"; seconds: number }
  | { kind: "store"; latency: number | undefined };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: "start" as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "stop" as const }, { kind: "kill" as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("freeze" as const), isAsleep: fc.boolean() }) },
  { weight: 3, arbitrary: fc.constant({ kind: "thaw" as const }) },
  // By which a clock is behind: one that is ahead only doubts more.
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("wall" as const),
      seconds: fc.constantFrom(-3600, -20, 5, 3600),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("store" as const),
      latency: fc.constantFrom(2, 2, 500, 8000, LATEST, undefined),
    }),
  },
);

const happenings = fc.array(
  fc.record({ after: fc.nat(40 * SECOND), who: fc.nat(PROCESSES - 1), what: happening }),
  { maxLength: 25 },
);

/** One that slept, was replaced, and goes on. */
const REPLACED_ASLEEP: { after: number; who: number; what: Happening }[] = [
  { after: 0, who: 0, what: { kind: "start" } },
  { after: 4 * SECOND, who: 0, what: { kind: "freeze", isAsleep: true } },
  { after: 0, who: 1, what: { kind: "start" } },
  { after: 40 * SECOND, who: 0, what: { kind: "thaw" } },
];

/** What a killed one has sent is on its way for seconds. */
const SENT_LAST: { after: number; who: number; what: Happening }[] = [
  { after: 0, who: 0, what: { kind: "start" } },
  { after: 10_343, who: 0, what: { kind: "store", latency: LATEST } },
  { after: 1069, who: 0, what: { kind: "start" } },
  { after: 33_708, who: 0, what: { kind: "thaw" } },
  { after: 12_856, who: 0, what: { kind: "start" } },
  { after: 7030, who: 0, what: { kind: "freeze", isAsleep: false } },
];

/** A write still waits for the lease when its process is told to stop. */
const STOPPED_IN_DOUBT: { after: number; who: number; what: Happening }[] = [
  { after: 0, who: 1, what: { kind: "start" } },
  { after: 0, who: 1, what: { kind: "store", latency: 8 * SECOND } },
  { after: 15_002, who: 1, what: { kind: "stop" } },
  { after: 8 * SECOND, who: 0, what: { kind: "wall", seconds: -3600 } },
];

async function begin(process: LeaseProcess): Promise<void> {
  try {
    await process.lease.take();
    process.hasLease = true;
  } catch (error) {
    process.failure = error;
  }
}

test("never two that may write at once, whatever happens to them; after the last one's end another one gets it", () =>
  fc.assert(
    fc.asyncProperty(happenings, fc.boolean(), async (happenings, isLocal) => {
      time.reset();
      const store: LeaseStore = { held: undefined, writing: new Map(), dead: new Set(), faults: [] };
      const processes: (LeaseProcess | undefined)[] = Array.from({ length: PROCESSES });
      const all = new Set<LeaseProcess>();
      const unexpected: unknown[] = [];
      /** Settled when what a process has written, or waits to write, is over. */
      const writing = new Map<LeaseProcess, Promise<unknown>>();

      /** Who has it writes all the time. */
      function write(process: LeaseProcess): void {
        if (!process.hasLease) return;
        const done = process.write().catch((error: MigrationError) => {
          if (!REFUSALS.has(error.code)) unexpected.push(error);
        });
        writing.set(process, Promise.all([writing.get(process), done]));
      }
      async function pass(ms: number): Promise<void> {
        for (let left = ms; left > 0; left -= SECOND) {
          await time.until(time.sleep(Math.min(left, SECOND)));
          for (const process of all) write(process);
        }
      }

      async function start(): Promise<LeaseProcess> {
        const process = await leaseProcess(store, time, isLocal);
        all.add(process);
        void begin(process);
        return process;
      }

      async function happen(who: number, what: Happening): Promise<void> {
        const process = processes[who];
        if (what.kind === "start") {
          // Who was there before is over, or goes on without being steered.
          processes[who] = await start();
          return;
        }
        if (process === undefined) return;
        if (what.kind === "freeze") process.freeze(what.isAsleep);
        else if (what.kind === "thaw") {
          process.thaw();
          // Before it has had time to renew anything.
          write(process);
        } else if (what.kind === "wall") process.setWall(what.seconds * SECOND);
        else if (what.kind === "store") process.latency = what.latency;
        else if (what.kind === "kill") process.kill();
        else {
          process.hasLease = false;
          // As a run does: all that wants to write comes to its end first.
          void Promise.resolve(writing.get(process)).then(() => process.lease.release());
        }
      }

      for (const { after, who, what } of happenings) {
        await pass(after);
        await happen(who, what);
      }
      // All are over.
      for (const process of all) {
        process.thaw();
        process.hasLease = false;
        process.kill();
      }
      // What they have sent last has come to the store, and looks like life.
      await pass(LATEST * WAY);
      const last = await start();
      await pass(isLocal ? 2 * SECOND : 35 * SECOND);
      expect(store.faults).toEqual([]);
      expect(unexpected).toEqual([]);
      expect([last.hasLease, last.failure]).toEqual([true, undefined]);
      last.hasLease = false;
      await time.until(last.lease.release());
      // Free at once.
      expect(store.held).toBeUndefined();
    }),
    {
      ...runs(80),
      examples: [
        [REPLACED_ASLEEP, true],
        [SENT_LAST, false],
        [STOPPED_IN_DOUBT, false],
      ],
    },
  ));
