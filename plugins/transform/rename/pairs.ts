/** What the plugin rename is made of: pairs of names, and what they do to tables and items. */
import { MigrationError } from "../../../core/errors.ts";
import { attributesOf, keyAttributes, targetNameOf } from "../../../core/schema/keys.ts";
import type { Item, SourceRecord, Table } from "../../../core/types.ts";
import { setField } from "../../../core/schema/set-field.ts";
import { unfit } from "../../../core/schema/unfit.ts";
import { invalidOption } from "../_options.ts";
import {
  countStars,
  createPattern,
  fillIn,
  type Pattern,
  plainName,
  splitList,
  splitPair,
} from "../../_patterns.ts";

/** Old names to new ones. */
export type Names = ReadonlyMap<string, string>;

const HINT = "pairs are written old:new and separated by ; and a backslash stands before a : or ; in a name";

/** Pairs as they are written. */
function readPairs(text: string, key: string): [from: string, to: string][] {
  return splitList(text).map((entry) => {
    const [from = "", to = "", ...more] = splitPair(entry);
    if (from !== "" && to !== "" && more.length === 0) return [from, to];
    throw invalidOption("rename", key, `${entry} is no pair of names`, HINT);
  });
}

/** Pairs of tables' names; the first one that matches counts. */
export function tablePairs(text: string, key: string): { from: Pattern; newName(stars: string[]): string }[] {
  return readPairs(text, key).map(([from, to]) => {
    if (countStars(to) > countStars(from)) {
      throw invalidOption(
        "rename",
        key,
        `${from}:${to} has a * in the new name for which there is none in the old one`,
        HINT,
      );
    }
    return { from: createPattern(from), newName: (stars) => fillIn(to, stars) };
  });
}

/** Pairs of attributes' names; undefined: there are none. */
export function attributeNames(text: string, key: string): Names | undefined {
  const names = new Map<string, string>();
  for (const pair of readPairs(text, key)) {
    if (pair.some((name) => countStars(name) > 0)) {
      throw invalidOption(
        "rename",
        key,
        `${pair.join(":")} has a *, which stands for nothing here`,
        "a backslash stands before a * in a name",
      );
    }
    const [from, to] = pair.map(plainName) as [string, string];
    if (names.has(from)) throw invalidOption("rename", key, `${from} is renamed twice`, HINT);
    names.set(from, to);
  }
  return names.size === 0 ? undefined : distinct(names, key);
}

/** A table's own pairs, and the general ones of other attributes. */
export function withGeneral(own: Names, general: Names | undefined, key: string): Names {
  return distinct(new Map([...(general ?? []), ...own]), key);
}

function distinct(names: Names, key: string): Names {
  const taken = new Map<string, string>();
  for (const [from, to] of names) {
    const other = taken.get(to);
    if (other !== undefined) {
      throw invalidOption(
        "rename",
        key,
        `${other} and ${from} would both be called ${to}`,
        "give each attribute a name of its own",
      );
    }
    taken.set(to, from);
  }
  return names;
}

/**
 * Gives the key attributes of a table and of its indexes their new names.
 *
 * @throws MigrationError PLUGIN_INVALID when another attribute would get a primary key attribute's name
 */
export function renameKeys(table: Table, names: Names): void {
  const primary = keyAttributes(table).map((attribute) => ({ attribute, before: targetNameOf(attribute) }));
  const attributes = [table.keys, ...table.secondary].flatMap(attributesOf);
  // An index may share the table's own objects.
  for (const attribute of new Set(attributes)) {
    const to = names.get(targetNameOf(attribute));
    if (to !== undefined) attribute.targetName = to;
  }
  for (const { projection } of table.secondary) {
    const included = projection?.attributes;
    if (included !== undefined) projection!.attributes = included.map((name) => names.get(name) ?? name);
  }
  for (const [from, to] of names) {
    const key = primary.find(({ attribute, before }) => targetNameOf(attribute) === to && before !== from);
    if (key === undefined) continue;
    throw new MigrationError(
      "PLUGIN_INVALID",
      `plugin rename: ${from} would be called ${to}, as the key attribute ${key.before}: table ${table.name}`,
      { hint: `choose another name, or rename ${key.before} too` },
    );
  }
}

/**
 * An image with its new names, in the order it had.
 *
 * @throws MigrationError DATA_UNFIT when two attributes would have one name
 */
export function renameItem(
  item: Item,
  names: Names,
  { table, record }: { table: Table; record: SourceRecord },
): Item {
  const renamed: Item = {};
  for (const name in item) {
    const to = names.get(name) ?? name;
    if (Object.hasOwn(renamed, to)) {
      throw unfit(`two attributes would be called ${to}`, record, table, {
        hint: "choose another new name in plugin.rename.attributes, or leave one of the two out before",
      });
    }
    setField(renamed, to, item[name]);
  }
  return renamed;
}
