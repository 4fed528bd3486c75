/**
 * Calls of plugins' own code that are waited for: one that doesn't come back is named, and after a stop nobody waits for it
 * any longer than the run may take to end.
 */
import type { ConsolaInstance } from "consola";

const SECOND = 1000;
/** A hook that takes so long is told, in ms. */
const SLOW = 60 * SECOND;
/** So often in that time it is looked for. */
const LOOKS = 4;

/** See the top of the file. */
export interface PluginCalls extends Disposable {
  /**
   * Calls, and waits as long as it may.
   *
   * @param who what is called, in words
   * @param isQuick it is told when it takes long, whether the run is to stop or not
   */
  wait<T>(who: string, call: () => T, isQuick?: boolean): T;
  /** What fills a role, so that all it does is waited for in that way. */
  watched<T extends object>(who: string, implementation: T): T;
}

/** What {@link createPluginCalls} takes. */
export interface PluginCallsOptions {
  log: ConsolaInstance;
  /** Aborted when nobody waits any longer. */
  abandon: AbortSignal;
  /** However late after a stop a call begins, it has so long, in ms. */
  last: number;
  /** For tests, in ms. */
  slow?: number;
}

interface Pending {
  who: string;
  since: number;
  /** It isn't told. */
  isTold: boolean;
  /** Gives it what is left of the time that it has in any case. */
  lastly: () => void;
}

/** A run's. */
export function createPluginCalls({
  log,
  abandon,
  last: least,
  slow = SLOW,
}: PluginCallsOptions): PluginCalls {
  const pending = new Set<Pending>();
  let looking: NodeJS.Timeout | undefined;
  let isOver = false;
  abandon.addEventListener("abort", giveUp, { once: true });

  function giveUp(): void {
    for (const each of pending) each.lastly();
  }

  function look(): void {
    for (const each of pending) {
      if (each.isTold || performance.now() - each.since < slow) continue;
      each.isTold = true;
      log.warn(`${each.who} hasn't come back for ${slow / SECOND} s: what waits for it stands still`);
    }
  }

  function waitFor<T>(who: string, answer: PromiseLike<T>, isQuick: boolean): Promise<T> {
    if (isQuick && !isOver) looking ??= setInterval(look, slow / LOOKS).unref();
    return new Promise<T>((resolve, reject) => {
      let last: NodeJS.Timeout | undefined;
      const each: Pending = {
        who,
        since: performance.now(),
        isTold: !isQuick,
        lastly() {
          last = setTimeout(giveUpOn, Math.max(0, each.since + least - performance.now()));
        },
      };
      const giveUpOn = (): void => {
        over();
        log.warn(`${who} doesn't come back, though the run is to stop: nobody waits for it any longer`);
        reject(abandon.reason as Error);
      };
      const over = (): void => {
        pending.delete(each);
        clearTimeout(last);
      };
      pending.add(each);
      if (abandon.aborted && !isOver) each.lastly();
      answer.then(
        (value) => (over(), resolve(value)),
        (error: unknown) => (over(), reject(error as Error)),
      );
    });
  }

  function wait<T>(who: string, call: () => T, isQuick = false): T {
    const answer = call();
    return isThenable(answer) ? (waitFor(who, answer, isQuick) as T) : answer;
  }

  /** What a method gives may be waited for again and again: an iteration's steps, a reader's polls. */
  function result(who: string, answer: unknown): unknown {
    if (isThenable(answer)) return waitFor(who, answer, false);
    if (!isObject(answer)) return answer;
    if (Symbol.asyncIterator in answer) return iterated(who, answer as AsyncIterable<unknown>);
    return "poll" in answer ? watched(who, answer) : answer;
  }

  function iterated(who: string, steps: AsyncIterable<unknown>): AsyncIterable<unknown> {
    return {
      [Symbol.asyncIterator]() {
        const iterator = steps[Symbol.asyncIterator]();
        return {
          next: (...given) => wait(who, () => iterator.next(...given)),
          return: (value?: unknown) =>
            wait(who, async () => (await iterator.return?.(value)) ?? { done: true, value }),
        };
      },
    };
  }

  function watched<T extends object>(who: string, implementation: T): T {
    const methods = new Map<unknown, unknown>();
    // Not of the implementation itself: a proxy has to give what a frozen object has.
    return new Proxy({} as T, {
      has: (_, name) => Reflect.has(implementation, name),
      set: (_, name, value) => Reflect.set(implementation, name, value),
      get(_, name) {
        const value: unknown = Reflect.get(implementation, name, implementation);
        if (PARTS.has(name) && isObject(value)) return watched(`${who}.${String(name)}`, value);
        if (typeof value !== "function") return value;
        const known = methods.get(value);
        if (known !== undefined) return known;
        const method = (...given: unknown[]): unknown =>
          result(`${who}.${String(name)}`, Reflect.apply(value, implementation, given));
        methods.set(value, method);
        return method;
      },
    });
  }

  return {
    wait,
    watched,
    [Symbol.dispose]() {
      isOver = true;
      clearInterval(looking);
      abandon.removeEventListener("abort", giveUp);
    },
  };
}

/** Parts of roles that have methods of their own. */
const PARTS: ReadonlySet<PropertyKey> = new Set(["stored", "lease"]);

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof (value as { then?: unknown }).then === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
