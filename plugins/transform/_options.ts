/** What the hook plugins share about their options, which are texts: `plugin.<name>.<key> = text`. */
import * as v from "valibot";
import type { Context } from "../../core/plugin/context.ts";
import { MigrationError } from "../../core/errors.ts";

/** A plugin's options as the configuration gives them. */
export type TextOptions = Record<string, string>;

/** Their schema. Its message doesn't repeat the value, which may be a secret. */
export const textOptions: v.GenericSchema<unknown, TextOptions> = v.record(
  v.string(),
  v.string("must be a text"),
);

/** An option that can't be used: the error to throw. */
export function invalidOption(plugin: string, key: string, problem: string, hint: string): MigrationError {
  return new MigrationError("PLUGIN_INVALID", `plugin.${plugin}.${key}: ${problem}`, { hint });
}

/**
 * Refuses options that nobody reads.
 *
 * @param known the keys; one that ends in `.<table>` stands for every table's
 * @throws MigrationError PLUGIN_INVALID
 */
export function checkKeys(plugin: string, options: TextOptions, known: string[]): void {
  const prefixes = known
    .filter((key) => key.endsWith(".<table>"))
    .map((key) => key.slice(0, -"<table>".length));
  for (const key of Object.keys(options)) {
    const isTables = prefixes.some((prefix) => key.startsWith(prefix) && key.length > prefix.length);
    if (known.includes(key) || isTables) continue;
    throw invalidOption(plugin, key, "no such option", `the options are ${known.join(", ")}`);
  }
}

/** An option of all tables and of single ones. */
export interface PerTable<Value> {
  /** For the tables that have none of their own. */
  general: Value | undefined;
  /** By the table's name at the source. */
  own: ReadonlyMap<string, Value>;
  /** A table's own value, else the general one. */
  of(table: string): Value | undefined;
}

/**
 * Reads an option that may be given once for all tables, as `key`, and for single ones, as `key.<table>`. An empty
 * text is no value; for a single table it takes the general one away.
 *
 * @param read makes the value of a text, none of an empty list, and may refuse it
 * @returns undefined when there is no value at all
 */
export function perTable<Value>(
  options: TextOptions,
  key: string,
  read: (text: string, key: string) => Value | undefined,
): PerTable<Value | undefined> | undefined {
  const value = (at: string): Value | undefined => {
    const text = options[at]?.trim() ?? "";
    return text === "" ? undefined : read(text, at);
  };
  const keys = Object.keys(options).filter((at) => at.startsWith(`${key}.`));
  const own = new Map(keys.map((at) => [at.slice(key.length + 1), value(at)]));
  const general = value(key);
  if (general === undefined && [...own.values()].every((each) => each === undefined)) return undefined;
  return { general, own, of: (table) => (own.has(table) ? own.get(table) : general) };
}

/** Warns when the tables are known of options for one that isn't among them. */
export function warnOfStrangers(
  ctx: Context,
  plugin: string,
  key: string,
  { own }: Pick<PerTable<unknown>, "own">,
): void {
  if (own.size === 0) return;
  ctx.hook("setup", ({ tables }) => {
    for (const table of own.keys()) {
      if (tables.some(({ name }) => name === table)) continue;
      ctx.log.warn(`plugin.${plugin}.${key}.${table}: no table of this name is migrated`);
    }
  });
}
