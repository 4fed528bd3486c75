/** The plugin `filter`. */
import type { Context } from "../../core/plugin/context.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { Item } from "../../core/types.ts";
import { compileCondition } from "./filter/condition.ts";
import { CONDITION_HINT, parseCondition } from "./filter/parse.ts";
import {
  checkKeys,
  invalidOption,
  perTable,
  type TextOptions,
  textOptions,
  warnOfStrangers,
} from "./_options.ts";
import { createPattern, splitList } from "../_patterns.ts";

/**
 * Migrates some tables only, and some items only.
 *
 * - `tables`: names of tables, separated by `;`, with `*` for any characters; `!` in front leaves tables out
 * - `where`: a condition on items, as DynamoDB's FilterExpression but with literals in it
 * - `where.<table>`: the same for one table, instead of `where`
 */
const filter: Plugin<TextOptions> = definePlugin({
  name: "filter",
  options: textOptions,
  sameOptions: true,
  keepsKeys: true,
  setup(ctx, options) {
    checkKeys("filter", options, ["tables", "where", "where.<table>"]);
    if (options["tables"] !== undefined) filterTables(ctx, options["tables"]);
    const conditions = perTable(options, "where", predicate);
    if (conditions === undefined) return;
    warnOfStrangers(ctx, "filter", "where", conditions);
    ctx.hook("fetch:after", (event) => {
      const condition = conditions.of(event.table.name);
      if (condition !== undefined) event.keep(condition, { holdsItems: false });
    });
  },
});
export default filter;

function filterTables(ctx: Context, text: string): void {
  const patterns = splitList(text).map((entry) => {
    const excludes = entry.startsWith("!");
    const { match } = createPattern(excludes ? entry.slice(1).trim() : entry);
    return { entry, excludes, matches: (name: string) => match(name) !== undefined };
  });
  if (patterns.length === 0) return;
  const including = patterns.filter(({ excludes }) => !excludes);
  const excluding = patterns.filter(({ excludes }) => excludes);

  ctx.hook("setup", (event) => {
    for (const { entry, matches } of patterns) {
      if (event.tables.some(({ name }) => matches(name))) continue;
      ctx.log.warn(`plugin.filter.tables: ${entry} matches no table`);
    }
    const stays = (name: string): boolean =>
      (including.length === 0 || including.some(({ matches }) => matches(name))) &&
      !excluding.some(({ matches }) => matches(name));
    const all = event.tables.length;
    event.tables = event.tables.filter(({ name }) => stays(name));
    ctx.log.info(`plugin.filter.tables: ${all - event.tables.length} of ${all} tables are left out`);
  });
}

function predicate(text: string, key: string): (item: Item) => boolean {
  try {
    return compileCondition(parseCondition(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidOption("filter", key, `${error.message}: ${text}`, CONDITION_HINT);
  }
}
