/** The plugin `exclude`. */
import { MigrationError } from "../../core/errors.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { readDeepSelection } from "./_attributes.ts";
import { checkKeys, perTable, type TextOptions, textOptions, warnOfStrangers } from "./_options.ts";
import { editRecords } from "./_records.ts";
import { dropIndexes, primaryNames } from "./_table-keys.ts";

/**
 * Leaves attributes out.
 *
 * - `attributes`: names, separated by `;`, with `*` for any characters, or paths into maps as `address.street`;
 *   a pattern never leaves out the primary key's attributes
 * - `attributes.<table>`: the same for one table, instead of `attributes`
 */
const exclude: Plugin<TextOptions> = definePlugin({
  name: "exclude",
  options: textOptions,
  sameOptions: true,
  keepsKeys: true,
  setup(ctx, options) {
    checkKeys("exclude", options, ["attributes", "attributes.<table>"]);
    const selections = perTable(options, "attributes", readDeepSelection);
    if (selections === undefined) return;
    warnOfStrangers(ctx, "exclude", "attributes", selections);
    ctx.hook("table:before", ({ table }) => {
      const selection = selections.of(table.name);
      if (selection === undefined) return;
      for (const name of primaryNames(table)) {
        if (!selection.names(name)) continue;
        throw new MigrationError(
          "PLUGIN_INVALID",
          `plugin exclude: ${name} is an attribute of the primary key, it can't be left out: table ${table.name}`,
          {
            hint: `take ${name} out of plugin.exclude.attributes, or set plugin.exclude.attributes.${table.name}`,
          },
        );
      }
      dropIndexes(ctx, "exclude", table, selection.has);
    });
    editRecords(ctx, (table) => {
      const selection = selections.of(table.name);
      const primary = primaryNames(table);
      return selection && { image: (item) => selection.change(item, () => undefined, primary) };
    });
  },
});
export default exclude;
