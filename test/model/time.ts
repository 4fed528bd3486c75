/** Time that passes as fast as the work allows: when nothing else happens, the next timer is due. */
import { mock, setSystemTime } from "bun:test";
import * as timers from "node:timers/promises";

/** See the top of the file. */
export interface FakeTime {
  /** In ms since 1970. */
  now(): number;
  /** It is later all at once, as for who was stopped meanwhile. */
  jump(ms: number): void;
  /** Lets time pass until this is settled. */
  until<T>(work: Promise<T>): Promise<T>;
  /** Resolves after so long, whoever else waits. */
  sleep(ms: number): Promise<void>;
  /** Timers that are set. */
  readonly pending: number;
  /** Forgets those, and is at its beginning again. */
  reset(): void;
  /** Gives the machine's own time back. */
  restore(): Promise<void>;
}

interface Timer {
  at: number;
  run: () => void;
  every?: number;
}

const MODULE = "node:timers/promises";
/** Nothing that works without timers takes so many turns. */
const TURNS = 3;
/** Work that has no timers and doesn't end for so many turns hangs. */
const HANGS = 10_000;
/** Work that isn't over after so many timers has no end. */
const ENDLESS = 20_000;

const realModule = { ...timers };
const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  performanceNow: performance.now.bind(performance),
};

/** Replaces the time of this process, from 2026 on. */
export async function fakeTime(): Promise<FakeTime> {
  const began = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  const set = new Set<Timer>();

  function add(run: () => void, ms: number | undefined, every?: number): Timer & { unref(): unknown } {
    const wait = Number.isFinite(ms) ? Math.max(0, ms!) : 0;
    const timer = {
      at: elapsed + wait,
      run,
      ...(every !== undefined && { every }),
      ref: () => timer,
      unref: () => timer,
    };
    set.add(timer);
    return timer;
  }
  const remove = (timer: unknown): void => void set.delete(timer as Timer);

  function passTo(at: number): void {
    elapsed = Math.max(elapsed, at);
    setSystemTime(new Date(began + Math.floor(elapsed)));
  }

  /** Runs the timer that is due next; false: none is set. */
  function advance(): boolean {
    let next: Timer | undefined;
    for (const timer of set) if (next === undefined || timer.at < next.at) next = timer;
    if (next === undefined) return false;
    passTo(next.at);
    if (next.every === undefined) set.delete(next);
    else next.at = elapsed + Math.max(1, next.every);
    next.run();
    return true;
  }

  function sleep(ms: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        remove(timer);
        reject(Object.assign(new Error("The operation was aborted"), { name: "AbortError" }));
      };
      const timer = add(() => {
        signal?.removeEventListener("abort", giveUp);
        resolve(value);
      }, ms);
      if (signal?.aborted) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
    });
  }

  const globals = globalThis as unknown as Record<string, unknown>;
  globals["setTimeout"] = (run: () => void, ms?: number) => add(run, ms);
  globals["setInterval"] = (run: () => void, ms?: number) => add(run, ms, ms ?? 0);
  globals["clearTimeout"] = globals["clearInterval"] = remove;
  performance.now = () => elapsed;
  await mock.module(MODULE, () => ({ ...realModule, setTimeout: sleep }));
  passTo(0);

  return {
    now: () => began + Math.floor(elapsed),
    jump: (ms) => passTo(elapsed + ms),
    sleep: async (ms) => void (await sleep(ms)),
    get pending() {
      return set.size;
    },
    reset() {
      set.clear();
      elapsed = 0;
      passTo(0);
    },
    async until(work) {
      let isSettled = false;
      const settled = (): void => void (isSettled = true);
      work.then(settled, settled);
      for (let idle = 0, ran = 0; ; ran++) {
        for (let turn = 0; turn < TURNS; turn++) await realModule.setImmediate();
        if (isSettled) return work;
        idle = advance() ? 0 : idle + 1;
        if (idle > HANGS) throw new Error("nothing is left to happen, and it isn't over");
        if (ran > ENDLESS) throw new Error(`no end by ${new Date(began + elapsed).toISOString()}`);
      }
    },
    async restore() {
      set.clear();
      const { performanceNow, ...functions } = real;
      Object.assign(globalThis, functions);
      performance.now = performanceNow;
      setSystemTime();
      await mock.module(MODULE, () => realModule);
    },
  };
}
