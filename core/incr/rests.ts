/** The rests of many, which end together: what is done at once costs half of what is done one by one. */

/** See the top of the file. */
export interface Rests {
  /** Rests for about so long, in ms: with those who rest meanwhile up to an eighth less or more. Ends with an abort, too. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
  /** Ends all of them now. */
  wake(): void;
}

/** Those who rest until one moment. */
interface Moment {
  timer: NodeJS.Timeout;
  sleepers: Set<Sleeper>;
}

/** Somebody who rests. */
interface Sleeper {
  moment: number;
  signal: AbortSignal;
  wake: () => void;
}

/** Makes them. */
export function createRests(): Rests {
  /** By when they are, by `performance.now()`. */
  const moments = new Map<number, Moment>();
  /** One listener for all who rest by a signal: to take one off a signal takes a look at all that it has. */
  const bySignal = new WeakMap<AbortSignal, Set<Sleeper>>();

  function end(at: number): void {
    const { timer, sleepers } = moments.get(at)!;
    clearTimeout(timer);
    moments.delete(at);
    for (const sleeper of sleepers) {
      bySignal.get(sleeper.signal)!.delete(sleeper);
      sleeper.wake();
    }
  }

  function momentAt(at: number): Moment {
    let moment = moments.get(at);
    if (moment === undefined) {
      const timer = setTimeout(() => end(at), at - performance.now());
      moments.set(at, (moment = { timer, sleepers: new Set() }));
    }
    return moment;
  }

  function sleepersBy(signal: AbortSignal): Set<Sleeper> {
    let sleepers = bySignal.get(signal);
    if (sleepers === undefined) {
      const all = (sleepers = new Set<Sleeper>());
      bySignal.set(signal, all);
      signal.addEventListener("abort", () => all.forEach(giveUp), { once: true });
    }
    return sleepers;
  }

  function giveUp(sleeper: Sleeper): void {
    const { moment, signal, wake } = sleeper;
    bySignal.get(signal)!.delete(sleeper);
    const { sleepers } = moments.get(moment)!;
    sleepers.delete(sleeper);
    if (sleepers.size === 0) end(moment);
    wake();
  }

  return {
    rest(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      const moment = momentFor(ms);
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper: Sleeper = { moment, signal, wake: resolve };
      momentAt(moment).sleepers.add(sleeper);
      sleepersBy(signal).add(sleeper);
      return promise;
    },
    wake() {
      for (const at of moments.keys()) end(at);
    },
  };
}

/** The nearest moment of those that rests of this length have: finer ones are among them for shorter rests. */
function momentFor(ms: number): number {
  const grain = 2 ** Math.floor(Math.log2(Math.max(1, ms) / 8));
  return Math.round((performance.now() + ms) / grain) * grain;
}
