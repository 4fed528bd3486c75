/** A small migration in memory, with all that happens to it. */
import { expect } from "bun:test";
import { type ConsolaInstance, createConsola } from "consola";
import fc from "fast-check";
import { loadConfig } from "../../core/config/load.ts";
import type { RunState, TableState } from "../../core/checkpoint/run-state.ts";
import { MigrationError } from "../../core/errors.ts";
import { runMigration } from "../../core/run/run.ts";
import { createRunControl } from "../../core/run/steering.ts";
import { KEPT } from "../../core/types.ts";
import { type Chance, createChance } from "./chance.ts";
import { createMortal, KILLED, type Mortal } from "./mortal.ts";
import { type Outside, rolesOf } from "./roles.ts";
import { createSource, KEYS } from "./source.ts";
import { createDisk, ON_DISK } from "./disk.ts";
import type { FakeFiles } from "./files.ts";
import type { FakeTime } from "./time.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
/** Written to and switched over, a migration takes so long at most. */
const PATIENCE = HOUR;
/** Starts of one migration: each event causes one at most. */
const STARTS = 100;
/** Ways on from a finished copy whose stream doesn't reach back to its begin. */
const WAYS: Record<string, string>[] = [{ sync_mode: "incr" }, { "target.db.exist": "drop" }];

/** What happens, after so many of the process's steps. */
export type Happening =
  | { kind: "write"; times: number }
  | { kind: "split"; which: number }
  | { kind: "kill"; power: boolean }
  | { kind: "stop" }
  | { kind: "sleep"; hours: number }
  | { kind: "renew" }
  | { kind: "mode"; mode: "all" | "full" | "incr" };

/** A migration's life. */
export interface Life {
  /** Of all that isn't said here. */
  seed: number;
  /** The keys that have items at first. */
  keys: number[];
  /** A step takes so long at most, in ms. */
  slowest: number;
  /** What comes while the table is copied goes through the spool. */
  spools: boolean;
  happenings: { after: number; what: Happening }[];
}

const always: fc.Arbitrary<Happening>[] = [
  fc.record({ kind: fc.constant("write" as const), times: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant("split" as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constant("kill" as const), power: fc.boolean() }),
  fc.constant({ kind: "stop" as const }),
];
const modes: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constant("mode" as const),
  mode: fc.constantFrom("all" as const, "full" as const, "incr" as const),
});
const gaps: fc.Arbitrary<Happening>[] = [
  fc.record({ kind: fc.constant("sleep" as const), hours: fc.constantFrom(0.3, 5, 23, 25, 49) }),
  fc.constant({ kind: "renew" as const }),
];

/** Lives without what makes a gap, or with it. */
export function livesOf(kinds: { modes?: boolean; gaps?: boolean }): fc.Arbitrary<Life> {
  const what = fc.oneof(
    { weight: 4, arbitrary: always[0]! },
    { weight: 2, arbitrary: always[1]! },
    { weight: 4, arbitrary: always[2]! },
    { weight: 1, arbitrary: always[3]! },
    ...(kinds.modes ? [{ weight: 2, arbitrary: modes }] : []),
    ...(kinds.gaps ? gaps.map((arbitrary) => ({ weight: 1, arbitrary })) : []),
  );
  return fc.record({
    seed: fc.nat(),
    keys: fc.uniqueArray(fc.nat(KEYS - 1)),
    slowest: fc.constantFrom(1, 20, 300, 1500),
    spools: fc.boolean(),
    happenings: fc.array(fc.record({ after: fc.nat(40), what }), { maxLength: 20 }),
  });
}

/** What came of it. */
export interface Lived {
  /** Codes of what starts ended with, but for kills and stops. */
  failures: string[];
  starts: number;
  outside: Outside;
}

/** How a life may go. */
export interface LiveOptions {
  /** Beside those of every life. */
  settings?: Record<string, string>;
  /** What a start may fail with. */
  allowed?: string[];
  /** What ends it then. */
  ends?: string[];
  /** What is outside before the first start. */
  before?: (outside: Outside, chance: Chance) => void;
  /** For who looks into a life that went wrong. */
  log?: ConsolaInstance;
}

/** What is played for the process. */
export interface World {
  time: FakeTime;
  files: FakeFiles;
}

/** Lives it: the process is started again and again, until all has happened and it is switched over. */
export async function live(life: Life, { time, files }: World, options: LiveOptions = {}): Promise<Lived> {
  const { settings = {}, allowed = [], ends = [], before, log } = options;
  time.reset();
  const chance = createChance(life.seed);
  const source = createSource(chance, time.now, life.keys);
  const outside: Outside = {
    source,
    place: undefined,
    states: new Map(),
    lease: undefined,
    scans: 0,
    now: time.now,
    chance,
    late: { sent: [] },
  };
  before?.(outside, chance);
  const disk = createDisk(time.now);
  const left = [...life.happenings];
  const lived: Lived = { failures: [], starts: 0, outside };
  let mode = "all";
  /** What the user sets after a refusal, as its hint says. */
  let way: Record<string, string> = {};
  let stepsLeft = left[0]?.after ?? 0;

  /** Lets the next thing happen; gives whether the process is to end cleanly by it. */
  function happen(process?: Mortal): boolean {
    const { what } = left.shift()!;
    log?.info(`--- ${JSON.stringify(what)}`);
    stepsLeft = left[0]?.after ?? 0;
    if (what.kind === "write") writeSome(outside, chance, what.times);
    else if (what.kind === "split") source.split(what.which);
    else if (what.kind === "kill") {
      process?.kill();
      if (what.power) disk.lose(chance);
    } else if (what.kind === "sleep") time.jump(what.hours * HOUR);
    else if (what.kind === "renew") source.renew();
    else if (what.kind === "mode") mode = what.mode;
    return what.kind === "stop" || what.kind === "mode";
  }

  for (; lived.starts < STARTS; lived.starts++) {
    // With nothing begun, incr would only follow.
    if (left.length === 0 || (mode === "incr" && !outside.states.get("table:t")?.size)) mode = "all";
    mode = way["sync_mode"] ?? mode;
    const stopping = new AbortController();
    /** Something was still being done when nobody waited for it any longer. */
    let isGivenUp = false;
    const control = createRunControl();
    let switching: Promise<unknown> | undefined;
    /** When nothing is to happen any more, the migration comes to its end. */
    const finish = (): void => {
      if (left.length === 0 && mode !== "full")
        switching ??= control.switchover({ timeout: PATIENCE }).catch(() => {});
    };
    const process = createMortal({
      chance,
      sleep: time.sleep,
      slowest: life.slowest,
      late: outside.late,
      now: time.now,
      onStep() {
        while (left.length > 0 && stepsLeft-- <= 0 && !process.isDead)
          if (happen(process)) stopping.abort(new MigrationError("INTERRUPTED", "stopped"));
        // Listings that fail are tried again, and who is killed tries nothing.
        if (process.isDead) stopping.abort(KILLED);
        if (!process.isDead && !stopping.signal.aborted) finish();
      },
    });
    files.mounted = { disk, step: process.step };
    const set = {
      "target.address": "mongodb://127.0.0.1:1",
      sync_mode: mode,
      "increase.persist.dir": `${ON_DISK}/spool`,
      ...(life.spools && mode === "all" && { incr_sync_parallel: "true" }),
      ...settings,
      ...way,
    };
    const running = runMigration({
      config: loadConfig({ set }).config,
      builtins: async () => undefined,
      plugins: [rolesOf(outside, process)],
      signal: stopping.signal,
      control,
      log: hearing(log, () => (isGivenUp = true)),
    });
    running.catch(() => {});
    const failure = await ended(running, process, time);
    if (switching !== undefined) await time.until(switching);
    // Of what it was about to do nothing happens any more, though nobody waited for it; what it has sent may come later.
    if (process.isDead || isGivenUp) await time.until(time.sleep(10 * SECOND));
    // Who has ended does nothing any more.
    expect(time.pending).toBe(0);
    if (switching !== undefined && failure === undefined) return lived;
    if (process.isDead || stopping.signal.aborted) continue;
    if (failure !== undefined) {
      lived.failures.push(failure.code ?? String(failure));
      // A dead process's claim that comes while the machine sleeps finds a lease that has expired.
      const isLate =
        failure.code === "ALREADY_RUNNING" && life.happenings.some(({ what }) => what.kind === "sleep");
      const isKnown = failure.code === "SWITCHED_OVER" || isLate || allowed.includes(failure.code ?? "");
      if (!isKnown) throw failure;
      if (ends.includes(failure.code)) return lived;
      if (failure.code === "SWITCHED_OVER") {
        // The one that was killed had noted it.
        expect(left).toEqual([]);
        return lived;
      }
      if (failure.code === "TARGET_EXISTS") {
        expect(isInTheWay(outside, mode)).toBe(true);
        // Nothing else is going to change that.
        if (left.length === 0) {
          expect(way).toEqual({});
          way = chance.one(WAYS);
        }
      }
    }
    // The process is over, and what happens goes on.
    if (left.length > 0) happen();
  }
  throw new Error(`no end within ${STARTS} starts, which ended with ${lived.failures.join(", ")}`);
}

/** A finished copy is in the way of another one, unless it can be followed from where it began. */
function isInTheWay({ states, source, now }: Outside, mode: string): boolean {
  const [run, table] = [states.get("run")?.get("run"), states.get("table:t")?.get("table")];
  if (run === undefined || table === undefined) return false;
  const { finishedAt } = JSON.parse(run) as RunState;
  const { copy } = JSON.parse(table) as TableState;
  const isReached = copy?.stream === source.stream && now() - copy.at <= KEPT;
  return finishedAt !== undefined && !(mode === "all" && isReached);
}

/** A log that hears of what a run gives up at its end, and tells another one. */
function hearing(log: ConsolaInstance | undefined, onGivenUp: () => void): ConsolaInstance {
  return createConsola({
    level: log?.level ?? 1,
    reporters: [
      {
        log(entry) {
          if (String(entry.args[0]).includes("nobody waits for it any longer")) onGivenUp();
          log?.[entry.type](...(entry.args as [string]));
        },
      },
    ],
  });
}

/** What a run ends with; one that has no end is killed, so that it disturbs no other one. */
async function ended(
  running: Promise<unknown>,
  process: Mortal,
  time: FakeTime,
): Promise<MigrationError | undefined> {
  const failure = running.then(
    () => undefined,
    (error: unknown) => error as MigrationError,
  );
  try {
    return await time.until(failure);
  } catch (error) {
    process.kill();
    await time.until(failure);
    throw error;
  }
}

function writeSome({ source }: Outside, chance: Chance, times: number): void {
  // Some keys are written to again and again.
  const most = chance.percent(50) ? KEYS : 3;
  for (let n = 0; n < times; n++) source.write(chance.below(most), chance.percent(30));
}

/** Both sides are the same, key by key, and nothing is there twice. */
export function expectEqual({ source, place }: Outside): void {
  const are = place!.documents.map(({ document }) => `${String(document["pk"])} ${String(document["v"])}`);
  const should = [...source.items.values()].map(({ pk, v }) => `${pk!.S} ${v!.N}`);
  expect(are.toSorted()).toEqual(should.toSorted());
}
