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
  sleepers: Set<() => void>;
}

/** Makes them. */
export function createRests(): Rests {
  /** By when they are, by `performance.now()`. */
  const moments = new Map<number, Moment>();

  function end(at: number): void {
    const { timer, sleepers } = moments.get(at)!;
    clearTimeout(timer);
    moments.delete(at);
    for (const wake of sleepers) wake();
  }

  function momentAt(at: number): Moment {
    let moment = moments.get(at);
    if (moment === undefined) {
      const timer = setTimeout(() => end(at), at - performance.now());
      moments.set(at, (moment = { timer, sleepers: new Set() }));
    }
    return moment;
  }

  return {
    rest(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      const at = momentFor(ms);
      const { sleepers } = momentAt(at);
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      function giveUp(): void {
        sleepers.delete(wake);
        if (sleepers.size === 0) end(at);
        wake();
      }
      sleepers.add(wake);
      signal.addEventListener("abort", giveUp, { once: true });
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
