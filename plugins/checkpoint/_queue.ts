/** What is done with one name happens one after the other; saves that wait for the same turn are done together. */

/** States as JSON by part: what was given is kept as it was then, whatever becomes of the objects. */
export type States = Map<string, string>;

/** See the top of the file. */
export interface Queue {
  /** Does something in a name's turn, or in that of several. */
  run<T>(name: string | readonly string[], work: () => Promise<T>): Promise<T>;
  /** Writes states in a name's turn; resolves when they are written, throws what went wrong with that. */
  save(name: string, parts: ReadonlyMap<string, unknown>): Promise<void>;
  /** Resolves when nobody waits any more. */
  idle(): Promise<void>;
}

/** A queue over how states are written. */
export function createQueue(write: (name: string, states: States) => Promise<void>): Queue {
  /** By name the end of what is queued; it never fails. Names with nothing queued aren't there. */
  const tails = new Map<string, Promise<void>>();
  /** By name the save at the end of what is queued, as long as it hasn't begun. */
  const waiting = new Map<string, { states: States; written: Promise<void> }>();

  function run<T>(of: string | readonly string[], work: () => Promise<T>): Promise<T> {
    const names = typeof of === "string" ? [of] : of;
    // A later save must not join one that is queued before this: it would overtake it.
    for (const name of names) waiting.delete(name);
    const before = names.flatMap((name) => tails.get(name) ?? []);
    const turn = before.length > 1 ? Promise.all(before) : (before[0] ?? Promise.resolve());
    const result = turn.then(work);
    const tail: Promise<void> = result.then(noop, noop).finally(() => {
      for (const name of names) if (tails.get(name) === tail) tails.delete(name);
    });
    for (const name of names) tails.set(name, tail);
    return result;
  }

  return {
    run,
    save(name, parts) {
      const given = statesOf(parts);
      if (given.size === 0) return Promise.resolve();
      const joined = waiting.get(name);
      if (joined !== undefined) {
        for (const [part, state] of given) joined.states.set(part, state);
        return joined.written;
      }
      const written = run(name, () => {
        if (waiting.get(name)?.states === given) waiting.delete(name);
        return write(name, given);
      });
      waiting.set(name, { states: given, written });
      return written;
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}

/** Parts as they are now. */
export function statesOf(parts: ReadonlyMap<string, unknown>): States {
  return new Map([...parts].map(([part, state]) => [part, JSON.stringify(state)]));
}

function noop(): void {}
