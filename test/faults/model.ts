/** What is at the source when all that was acknowledged has happened. */
import type { Attributes } from "../e2e/helpers.ts";
import { type Change, keyText, type TableShape } from "./changes.ts";

type Update = Extract<Change, { do: "update" }>;

/** See the top of the file. */
export interface Model {
  /** Notes a change that the source has acknowledged. */
  apply(change: Change): void;
  has(table: TableShape, key: Attributes): boolean;
  items(table: TableShape): Attributes[];
}

/** Makes an empty one. */
export function createModel(): Model {
  const tables = new Map<string, Map<string, Attributes>>();
  function of({ name }: TableShape): Map<string, Attributes> {
    const items = tables.get(name) ?? new Map<string, Attributes>();
    tables.set(name, items);
    return items;
  }
  return {
    apply(change) {
      const { table } = change;
      const text = keyText(table, change.do === "put" ? change.item : change.key);
      if (change.do === "delete") of(table).delete(text);
      else if (change.do === "put") of(table).set(text, change.item);
      else of(table).set(text, updated(of(table).get(text), change));
    },
    has: (table, key) => of(table).has(keyText(table, key)),
    items: (table) => [...of(table).values()],
  };
}

/** What an update makes of an item, or of none. */
export function updated(before: Attributes | undefined, { key, set, remove }: Update): Attributes {
  const left = Object.entries(before ?? key).filter(([name]) => !remove.includes(name));
  return { ...(Object.fromEntries(left) as Attributes), ...set };
}
