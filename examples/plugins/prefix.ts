/**
 * Other names: every table's with a prefix, and the sort key's. The key's new name is told once a table, and the index,
 * the updates and the deletes follow; the items get it page by page.
 *
 *     plugins = ./prefix.ts
 *     plugin.prefix.tables = shop_
 *     plugin.prefix.sort_key = created
 */
import type { Item, Plugin } from "nimo-shake";

const prefix: Plugin<{ tables: string; sort_key: string }> = {
  name: "prefix",
  setup(ctx, { tables, sort_key: name }) {
    ctx.hook("table:before", ({ table }) => {
      table.targetName = tables + table.name;
      if (table.keys.sort) table.keys.sort.targetName = name;
    });
    ctx.hook("fetch:after", ({ table, records }) => {
      const { sort } = table.keys;
      if (!sort) return;
      for (const record of records) {
        if (record.item) record.item = renamed(record.item, sort.name, name);
        if (record.oldItem) record.oldItem = renamed(record.oldItem, sort.name, name);
      }
    });
  },
};
export default prefix;

function renamed(item: Item, from: string, to: string): Item {
  const entries = Object.entries(item);
  return Object.fromEntries(entries.map(([name, value]) => [name === from ? to : name, value]));
}
