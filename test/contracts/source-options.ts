/** What an author says of a source, for its contract. */
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import type { Item } from "../../core/types.ts";
import type { ContractPlace } from "./case.ts";

/** Somewhere that the source reads from; nothing changes there. */
export interface SourcePlace extends ContractPlace {
  /**
   * At least two tables by their names at the source, each with all its items. They need several pages: give few
   * items a page by `settings`, or many items. One with a sort key and one without are best.
   */
  tables: Record<string, Item[]>;
}

/** What {@link sourceContract} takes. */
export interface SourceContract {
  plugin: AnyPlugin;
  /** Makes a place, or gives one that is there: cases only read. */
  makePlace(): Promise<SourcePlace>;
  /** What it can do beyond what every source must; what isn't named it can't. */
  can: {
    /** Tell keys that no item has: it has `absent`. */
    absent?: boolean;
    /** Look items up by their keys: it has `items`. */
    items?: boolean;
    /** Tell what a table is by now: it has `describe`. */
    describe?: boolean;
  };
  /** How items look in records, where that isn't as they were given: the order in a set. */
  seen?(item: Item): unknown;
  /** An edit of a request, as a hook makes it, that leaves items out, and which are still read then. */
  edit: {
    change(request: object): void;
    keeps(item: Item): boolean;
  };
  /** The values of `full.read.concurrency` to read under; default 1 and 4. */
  concurrency?: number[];
}
