/** Collections that `target.db.exist = rename` has put aside, in this run or an earlier one. */
import type { Db } from "mongodb";
import type { Target } from "../../../core/plugin/roles.ts";
import { collectionKinds, dropCollection } from "./collections.ts";

/** What such a name ends with, see `renamedTo`. */
const RENAMED = /^(.+)\.\d{4}-\d\d-\d\dZ\d\d:\d\d:\d\d$/s;

/** A target's methods for them. */
export function createAside(
  onDatabase: <T>(what: string, run: (db: Db) => Promise<T>) => Promise<T>,
): Required<Pick<Target, "aside" | "dropAside">> {
  return {
    async aside(names) {
      const kinds = await onDatabase("listing the collections", collectionKinds);
      return [...kinds]
        .filter(([, kind]) => kind === "collection")
        .flatMap(([name]) => {
          const [, before] = RENAMED.exec(name) ?? [];
          // A table may be called like that itself.
          return before !== undefined && names.includes(before) && !names.includes(name) ? [name] : [];
        });
    },
    dropAside: (name) => onDatabase(`dropping collection ${name}`, (db) => dropCollection(db, name)),
  };
}
