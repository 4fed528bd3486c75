/** Our own states are read, saved and forgotten here, those of several names in one command, where saves look at the lease as well. */
import type { Db } from "mongodb";
import type { Holder } from "../../../core/plugin/roles.ts";
import type { States } from "../_queue.ts";
import { createBatches } from "./batches.ts";
import { updateHeld } from "./held-update.ts";
import type { LeasePlace } from "./lease.ts";
import { commands, execute, find, forgetting, type StateDocument, type Upsert, upserts } from "./states.ts";

/** Commands of a kind that are on their way at once; what comes meanwhile waits, and goes together. */
const AT_ONCE = 4;

/** Names in one find at most. */
const NAMES = 100;

interface Wanted {
  name: string;
  found: StateDocument[];
}

/** See the top of the file. */
export interface OwnStates {
  /** A name's states. */
  load(name: string): Promise<StateDocument[]>;
  /** Resolves when a name's states are saved. */
  save(name: string, states: States): Promise<void>;
  /** Saves those of several names one behind the other: none is there without those before it. */
  saveInOrder(all: readonly (readonly [name: string, states: States])[]): Promise<void>;
  /** Forgets documents, by a condition on their `_id`. */
  forget(ids: object): Promise<void>;
}

/** What {@link createOwnStates} takes. */
export interface OwnStatesOptions extends LeasePlace {
  /** Who may save; undefined: anybody. */
  holder: () => Holder | undefined;
  onDatabase: <T>(doing: string, run: (db: Db) => Promise<T>) => Promise<T>;
}

/** Those of a migration. */
export function createOwnStates({ id, collection, holder, onDatabase }: OwnStatesOptions): OwnStates {
  const update = (db: Db, updates: object[], ordered?: boolean): Promise<void> =>
    updateHeld(db, { collection, id }, holder(), updates, ordered);

  const load = createBatches<Wanted>(AT_ONCE, async (all) => {
    for (let from = 0; from < all.length; from += NAMES) {
      const wanted = all.slice(from, from + NAMES);
      const names = [...new Set(wanted.map(({ name }) => name))];
      const found = await onDatabase("reading", (db) => find(db.collection(collection), id, names));
      const byName = Map.groupBy(found, ({ _id }) => _id.name);
      for (const each of wanted) each.found = byName.get(each.name) ?? [];
    }
  });
  const save = createBatches<Upsert>(AT_ONCE, async (all) => {
    for (const updates of commands(all)) await onDatabase("saving to", (db) => update(db, updates));
  });
  const empty = createBatches<object>(AT_ONCE, (updates) =>
    onDatabase("clearing", (db) => update(db, updates)),
  );
  const drop = createBatches<object>(AT_ONCE, (deletes) =>
    onDatabase("clearing", (db) => execute(db, { delete: collection, deletes })),
  );

  return {
    async load(name) {
      const wanted: Wanted = { name, found: [] };
      await load([wanted]);
      return wanted.found;
    },
    save: (name, states) => save(upserts(id, name, states)),
    async saveInOrder(all) {
      for (const updates of commands(all.flatMap(([name, states]) => upserts(id, name, states))))
        if (updates.length > 0) await onDatabase("saving to", (db) => update(db, updates, true));
    },
    /**
     * A delete can't be in one command with that look. So an update, which can, takes the states out of the documents
     * first, and the delete finds only documents without one.
     */
    async forget(ids) {
      const statements = forgetting(ids);
      await empty([statements.update]);
      await drop([statements.delete]);
    },
  };
}
