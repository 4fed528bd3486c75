/** The plugin `rename`. */
import type { Context } from "../../core/plugin/context.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { checkKeys, perTable, type TextOptions, textOptions, warnOfStrangers } from "./_options.ts";
import { editRecords } from "./_records.ts";
import {
  attributeNames,
  type Names,
  renameItem,
  renameKeys,
  tablePairs,
  withGeneral,
} from "./rename/pairs.ts";

/**
 * Gives tables and attributes other names.
 *
 * - `tables`: `old:new` pairs, separated by `;`; a `*` in the new name is what the `*` in the old one stands for
 * - `attributes`: `old:new` pairs of top-level attributes, in all tables
 * - `attributes.<table>`: the same for one table, in addition; they go before the general ones
 */
const rename: Plugin<TextOptions> = definePlugin({
  name: "rename",
  options: textOptions,
  sameOptions: true,
  keepsKeys: true,
  setup(ctx, options) {
    checkKeys("rename", options, ["tables", "attributes", "attributes.<table>"]);
    renameTables(ctx, options["tables"] ?? "");
    renameAttributes(ctx, options);
  },
});
export default rename;

function renameTables(ctx: Context, text: string): void {
  const pairs = tablePairs(text, "tables");
  if (pairs.length === 0) return;
  ctx.hook("setup", ({ tables }) => {
    for (const { from } of pairs) {
      if (tables.some(({ name }) => from.match(name) !== undefined)) continue;
      ctx.log.warn(`plugin.rename.tables: ${from.text} matches no table`);
    }
  });
  ctx.hook("table:before", ({ table }) => {
    for (const { from, newName } of pairs) {
      const stars = from.match(table.name);
      if (stars === undefined) continue;
      table.targetName = newName(stars);
      return;
    }
  });
}

function renameAttributes(ctx: Context, options: TextOptions): void {
  const names = perTable(options, "attributes", attributeNames);
  if (names === undefined) return;
  warnOfPrefix(ctx, [names.general, ...names.own.values()]);
  const merged = new Map<string, Names>();
  for (const [table, own] of names.own) {
    if (own !== undefined) merged.set(table, withGeneral(own, names.general, `attributes.${table}`));
  }
  // An empty text adds nothing here.
  const namesOf = (table: string): Names | undefined => merged.get(table) ?? names.general;

  warnOfStrangers(ctx, "rename", "attributes", names);
  ctx.hook("table:before", ({ table }) => {
    const renamed = namesOf(table.name);
    if (renamed !== undefined) renameKeys(table, renamed);
  });
  editRecords(ctx, (table) => {
    const renamed = namesOf(table.name);
    return renamed && { image: (item, record) => renameItem(item, renamed, { table, record }) };
  });
}

/** What is renamed to `_id` is renamed again by `convert._id`. */
function warnOfPrefix({ config, log }: Context, all: (Names | undefined)[]): void {
  const prefix = config["convert._id"];
  if (prefix === "" || !all.some((names) => [...(names?.values() ?? [])].includes("_id"))) return;
  log.warn(
    `plugin.rename makes an attribute _id, and convert._id = ${prefix} makes it ${prefix}_id: leave convert._id empty if it is to be the document's _id`,
  );
}
