/** What an author says of a target, for its contract. */
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import type { Item, Table } from "../../core/types.ts";
import type { ContractPlace } from "./case.ts";

/** Somewhere that the target writes to. */
export interface TargetPlace extends ContractPlace {
  /** In front of the tables' names at the target, where the place is shared with others. */
  prefix?: string;
  /** Everything that is stored under a table's `targetName`, in any order, read past the plugin; nothing there: empty. */
  read(table: Table): Promise<unknown[]>;
  /** With `can.rename`: everything that was stored under the name and was renamed away. */
  kept?(table: Table): Promise<unknown[]>;
}

/** What a target can do beyond what every one must. What isn't claimed must be refused, or not be there. */
export interface TargetAbilities {
  /** Go on with a table that an earlier process had begun. */
  resume?: boolean;
  /** Keep what was there under another name, as `target.db.exist = rename` asks. */
  rename?: boolean;
  /** Apply changes: it has `apply`. */
  apply?: boolean;
  /** List the keys of what is there: it has `keys`. */
  keys?: boolean;
  /** Give some documents: it has `sample`. */
  sample?: boolean;
  /** Read back and compare what is there: it has `stored`. */
  stored?: boolean;
  /** Remove documents that no key tells apart: it has `stored.remove`. */
  remove?: boolean;
  /** Take what its converter's transcoder makes, else BSON: it has `writeEncoded`. */
  encoded?: boolean;
  /** Keep two documents of one key from being there, even without an index: it has `guardsKeys`. */
  guardsKeys?: boolean;
}

/** What {@link targetContract} takes. */
export interface TargetContract {
  plugin: AnyPlugin;
  makePlace(): Promise<TargetPlace>;
  /** What it can do; what isn't named it can't. */
  can: TargetAbilities;
  /**
   * How an item looks in `read`. Compared type by type; the order of an object's members doesn't count, that of an
   * array's does. Where the target may change an item's look (the order in a set), both have to take that out.
   */
  expected(item: Item, table: Table): unknown;
  /** A plugin that converts; default: the built-in one that the settings' `convert.type` names. */
  convert?: AnyPlugin;
}
