/** What the hook plugins ask about a table's keys; names are those at the target, after a plugin before it renamed them. */
import type { Context } from "../../core/plugin/context.ts";
import { attributesOf, keyAttributes, targetNameOf } from "../../core/schema/keys.ts";
import type { Table } from "../../core/types.ts";

/** The names of the primary key's attributes. */
export function primaryNames(table: Table): ReadonlySet<string> {
  return new Set(keyAttributes(table).map(targetNameOf));
}

/** Takes away the indexes that have a key attribute whose items don't arrive. */
export function dropIndexes(
  ctx: Context,
  plugin: string,
  table: Table,
  isDropped: (name: string) => boolean,
): void {
  const primary = primaryNames(table);
  table.secondary = table.secondary.filter((index) => {
    const dropped = attributesOf(index)
      .map(targetNameOf)
      .find((name) => !primary.has(name) && isDropped(name));
    if (dropped === undefined) return true;
    ctx.log.info(`plugin ${plugin}: no index ${index.name}, ${dropped} is left out: table ${table.name}`);
    return false;
  });
}
