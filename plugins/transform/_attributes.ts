/** Attributes as an option names them: by name, by pattern, or by a path into maps and lists. */
import type { AttributeValue, Item } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import { createPattern, type Pattern, splitList } from "../_patterns.ts";

/** Some of an item's attributes. */
export interface Selection {
  /** Whether an attribute is named, without a `*`. */
  names(attribute: string): boolean;
  /** Whether an attribute is named, or matches a pattern. */
  has(attribute: string): boolean;
}

/** What becomes of a value that is selected; undefined: it is dropped. */
export type Change = (value: AttributeValue) => AttributeValue | undefined;

/** A selection that reaches into maps and lists. */
export interface DeepSelection extends Selection {
  /**
   * Changes what is selected. A path counts where no attribute has the whole of it as its name, and goes through
   * every element of a list.
   *
   * @param spared attributes that no pattern reaches
   * @returns a new item; the same one when nothing is selected
   */
  change(item: Item, change: Change, spared: ReadonlySet<string>): Item;
}

/** A name or pattern, and how it is read as a path: what is before a dot, and what is behind it. */
interface Selector {
  pattern: Pattern;
  paths: { first: Pattern; rest: Selector }[];
}

/** What is selected of one attribute: all of it, or something within. */
type Part = "all" | Selector[];

const NONE: ReadonlySet<string> = new Set();

/** Reads names and patterns separated by `;`; undefined: there are none. */
export function readSelection(text: string): Selection | undefined {
  const entries = splitList(text);
  return entries.length === 0 ? undefined : selection(entries.map(createPattern));
}

/** Reads names, patterns and paths separated by `;`; undefined: there are none. */
export function readDeepSelection(text: string): DeepSelection | undefined {
  const selectors = splitList(text).map((entry) => createSelector(entry));
  if (selectors.length === 0) return undefined;
  return {
    ...selection(selectors.map(({ pattern }) => pattern)),
    change: (item, change, spared) => changeMap(item, selectors, change, spared),
  };
}

function selection(patterns: Pattern[]): Selection {
  const names = new Set(patterns.filter(({ isName }) => isName).map(({ text }) => text));
  const others = patterns.filter(({ isName }) => !isName);
  return {
    names: (attribute) => names.has(attribute),
    has: (attribute) => names.has(attribute) || others.some(({ match }) => match(attribute) !== undefined),
  };
}

function createSelector(entry: string, known: Map<string, Selector> = new Map()): Selector {
  const selector: Selector = { pattern: createPattern(entry), paths: [] };
  known.set(entry, selector);
  for (let dot = entry.indexOf("."); dot !== -1; dot = entry.indexOf(".", dot + 1)) {
    const behind = entry.slice(dot + 1);
    if (dot === 0 || behind === "") continue;
    const rest = known.get(behind) ?? createSelector(behind, known);
    selector.paths.push({ first: createPattern(entry.slice(0, dot)), rest });
  }
  return selector;
}

function changeMap(map: Item, selectors: Selector[], change: Change, spared: ReadonlySet<string>): Item {
  const parts = partsOf(map, selectors, spared);
  if (parts.size === 0) return map;
  const changed: Item = {};
  for (const name in map) {
    const value = map[name]!;
    const part = parts.get(name);
    const after = part === "all" ? change(value) : part ? changeWithin(value, part, change) : value;
    if (after !== undefined) setField(changed, name, after);
  }
  return changed;
}

function changeWithin(value: AttributeValue, selectors: Selector[], change: Change): AttributeValue {
  if (value.M !== undefined) return { M: changeMap(value.M, selectors, change, NONE) };
  if (value.L !== undefined) return { L: value.L.map((member) => changeWithin(member, selectors, change)) };
  return value;
}

function partsOf(map: Item, selectors: Selector[], spared: ReadonlySet<string>): Map<string, Part> {
  const parts = new Map<string, Part>();
  for (const { pattern, paths } of selectors) {
    for (const name of matching(map, pattern)) {
      if (pattern.isName || !spared.has(name)) parts.set(name, "all");
    }
    if (pattern.isName && Object.hasOwn(map, pattern.text)) continue;
    for (const { first, rest } of paths) {
      for (const name of matching(map, first)) {
        const part = parts.get(name) ?? [];
        if (part !== "all") parts.set(name, [...part, rest]);
      }
    }
  }
  return parts;
}

function matching(map: Item, { isName, text, match }: Pattern): string[] {
  if (isName) return Object.hasOwn(map, text) ? [text] : [];
  return Object.keys(map).filter((name) => match(name) !== undefined);
}
