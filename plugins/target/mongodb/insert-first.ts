/**
 * Whether changes that insert are sent as inserts first: MongoDB takes them at a fifth of an upsert's CPU, but one whose
 * key is there already costs both. So a few that found theirs are enough to send upserts for a while.
 */
import type { Db } from "mongodb";
import type { Table } from "../../../core/types.ts";
import { listIndexes } from "./indexes.ts";

/** Of a message's inserts so many may be there already. */
const MOST_THERE = 0.2;
/** So many batches are upserted then. */
const PAUSE = 50;

/** One table's. */
export interface InsertFirst {
  /** Whether to send a batch's as inserts; asked once a batch. */
  mayTry(): Promise<boolean>;
  /** Of so many so many were there. */
  saw(tried: number, there: number): void;
}

/** The tables'. */
export interface InsertFirsts {
  of(table: Table): InsertFirst;
  /** Its indexes are to be looked at anew. */
  forget(table: Table): void;
}

/**
 * Makes the tables'.
 *
 * @param isGuarded whether the server refuses a second document of a key
 */
export function createInsertFirsts(isGuarded: (table: Table) => Promise<boolean>): InsertFirsts {
  const made = new Map<string, InsertFirst>();
  return {
    of(table) {
      const known = made.get(table.name);
      if (known !== undefined) return known;
      const fresh = insertFirst(() => isGuarded(table));
      made.set(table.name, fresh);
      return fresh;
    },
    forget: ({ name }) => void made.delete(name),
  };
}

function insertFirst(isGuarded: () => Promise<boolean>): InsertFirst {
  let guarded: Promise<boolean> | undefined;
  let pause = 0;
  return {
    async mayTry() {
      if (pause > 0) {
        pause--;
        return false;
      }
      // Who can't look at the indexes, now or ever, sends upserts.
      const isGuardedNow = await (guarded ??= isGuarded()).catch(() => false);
      if (isGuardedNow) return true;
      // They may be looked at again: one that is being built guards once it is.
      guarded = undefined;
      pause = PAUSE;
      return false;
    },
    saw(tried, there) {
      if (there > tried * MOST_THERE) pause = PAUSE;
    },
  };
}

/** Whether a unique index has a table's key, all of it and nothing else. */
export async function hasUniqueKey(db: Db, table: Table, paths: string[]): Promise<boolean> {
  const indexes = await listIndexes(db, table);
  return indexes.some(({ key, unique, partialFilterExpression, sparse, collation }) => {
    const fields = Object.keys(key as object);
    const same = fields.length === paths.length && paths.every((path) => fields.includes(path));
    const isPlain = !sparse && partialFilterExpression === undefined && collation === undefined;
    return same && isPlain && (unique === true || (fields.length === 1 && fields[0] === "_id"));
  });
}
