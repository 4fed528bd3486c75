/** The plugin `pick`. */
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { Item } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import { readSelection } from "./_attributes.ts";
import { checkKeys, perTable, type TextOptions, textOptions, warnOfStrangers } from "./_options.ts";
import { editRecords } from "./_records.ts";
import { dropIndexes, primaryNames } from "./_table-keys.ts";

/**
 * Keeps some attributes only; the primary key's are always kept.
 *
 * - `attributes`: names of top-level attributes, separated by `;`, with `*` for any characters
 * - `attributes.<table>`: the same for one table, instead of `attributes`
 */
const pick: Plugin<TextOptions> = definePlugin({
  name: "pick",
  options: textOptions,
  sameOptions: true,
  keepsKeys: true,
  setup(ctx, options) {
    checkKeys("pick", options, ["attributes", "attributes.<table>"]);
    const selections = perTable(options, "attributes", readSelection);
    if (selections === undefined) return;
    warnOfStrangers(ctx, "pick", "attributes", selections);
    ctx.hook("table:before", ({ table }) => {
      const selection = selections.of(table.name);
      if (selection !== undefined) dropIndexes(ctx, "pick", table, (name) => !selection.has(name));
    });
    editRecords(ctx, (table) => {
      const selection = selections.of(table.name);
      const primary = primaryNames(table);
      return (
        selection && { image: (item) => picked(item, (name) => primary.has(name) || selection.has(name)) }
      );
    });
  },
});
export default pick;

function picked(item: Item, keeps: (name: string) => boolean): Item {
  const rest: Item = {};
  for (const name in item) if (keeps(name)) setField(rest, name, item[name]);
  return rest;
}
