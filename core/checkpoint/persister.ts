/** Saving what changes often: now and then the newest states together, one save at a time. */

/** See the top of the file. */
export interface Persister<Key, State> {
  /** A state to save soon; an older one of the same key is forgotten. */
  put(key: Key, state: State): void;
  /** Saves at once what is not being saved yet, unless a save is on its way. */
  hurry(): void;
  /** Saves what is not saved yet; throws what went wrong with any save. */
  flush(): Promise<void>;
}

/** What {@link createPersister} takes. */
export interface PersisterOptions<Key, State> {
  save: (states: Map<Key, State>) => Promise<void>;
  /** A state's save begins so long after it was put, or after the end of the save that ran then, in ms. */
  interval: number;
  /** Told of the first save that fails; there is none after it. */
  onFailure: (error: unknown) => void;
}

/** Makes one. */
export function createPersister<Key, State>(options: PersisterOptions<Key, State>): Persister<Key, State> {
  let waiting = new Map<Key, State>();
  let timer: NodeJS.Timeout | undefined;
  let saving: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  /** Sets the clock for what waits; while a save runs, its end does. */
  function arm(): void {
    if (waiting.size === 0 || saving !== undefined || failure !== undefined) return;
    timer ??= setTimeout(() => void save(), options.interval);
  }

  async function saveWaiting(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const states = waiting;
    waiting = new Map();
    if (states.size === 0 || failure !== undefined) return;
    try {
      await options.save(states);
    } catch (error) {
      failure = { error };
      options.onFailure(error);
    }
  }

  /** What is put meanwhile waits for the next one. */
  function save(): Promise<void> {
    return (saving ??= saveWaiting().finally(() => {
      saving = undefined;
      arm();
    }));
  }

  return {
    put(key, state) {
      waiting.set(key, state);
      arm();
    },
    hurry() {
      if (saving === undefined) void save();
    },
    async flush() {
      await saving;
      await save();
      if (failure !== undefined) throw failure.error;
    },
  };
}
