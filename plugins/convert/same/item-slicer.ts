/** The short way of `same`: the items' bytes are cut out of a page's body and handed on as they are. */
import type { Converter } from "../../../core/plugin/roles.ts";
import type { Item, Page, SourceRecord, Unit } from "../../../core/types.ts";
import type { Transcoder } from "../../../core/plugin/transcoder.ts";
import { itemList } from "../_item-list.ts";
import { BACKSLASH, CLOSE, CLOSE_LIST, COMMA, OPEN, OPEN_LIST, QUOTE } from "../../_bson/json-bytes.ts";

/** Strings up to here are searched byte by byte; beyond, the native search is faster. */
const SHORT = 32;

/** An item in its page's body. */
interface Slice {
  page: Page;
  body: Buffer;
  start: number;
  end: number;
  /** Its place among the page's records. */
  index: number;
}

/** Cuts a unit's pages into items. */
export function createItemSlicer(unit: Unit, converter: Converter): Transcoder {
  let slices: Slice[] = [];

  return {
    append(page) {
      const list = itemList(page);
      if (list === undefined) return undefined;
      const { body, start } = list;
      const bounds = itemBounds(body, start);
      if (bounds === undefined) return undefined;
      const items = bounds.length / 2;
      const first = slices.length;
      for (let index = 0; index < items; index++) {
        slices.push({ page, body, start: bounds[2 * index]!, end: bounds[2 * index + 1]!, index });
      }
      return {
        items,
        overflowed: 0,
        keep(predicate) {
          slices = slices.filter((slice, i) => i < first || predicate(itemOf(slice)));
          return slices.length - first;
        },
        takeBack: () => slices.splice(first).map(({ index }) => index),
      };
    },

    get count() {
      return slices.length;
    },

    take(count) {
      const taken = slices.slice(0, count);
      slices = slices.slice(count);
      const ends: number[] = [];
      let length = 0;
      for (const { start, end } of taken) ends.push((length += end - start));
      const bytes = Buffer.allocUnsafe(length);
      taken.forEach(({ body, start, end }, i) => body.copy(bytes, ends[i]! - (end - start), start, end));
      return { unit, bytes, ends, record: (index) => recordOf(taken[index]!) };
    },
  };

  function recordOf({ page, index }: Slice): SourceRecord {
    const record = { ...page.records[index]! };
    converter.convert([record], unit.table);
    return record;
  }
}

function itemOf({ body, start, end }: Slice): Item {
  return JSON.parse(body.toString("utf8", start, end)) as Item;
}

/**
 * Where the items of a list begin and end.
 *
 * @param from behind the list's opening bracket
 * @returns start and end in turns; undefined: this is no list of objects without blanks between
 */
function itemBounds(body: Buffer, from: number): number[] | undefined {
  const bounds: number[] = [];
  let at = from;
  if (body[at] === CLOSE_LIST) return bounds;
  for (;;) {
    const end = body[at] === OPEN ? endOfObject(body, at) : -1;
    if (end < 0) return undefined;
    bounds.push(at, end);
    const next = body[end];
    if (next === CLOSE_LIST) return bounds;
    if (next !== COMMA) return undefined;
    at = end + 1;
  }
}

/** Behind the object that begins there, or -1. */
function endOfObject(body: Buffer, start: number): number {
  const { length } = body;
  let depth = 0;
  for (let at = start; at < length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      at = endOfString(body, at + 1);
      if (at < 0) return -1;
    } else if (byte === OPEN || byte === OPEN_LIST) depth++;
    else if (byte === CLOSE || byte === CLOSE_LIST) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** The quote that ends the string whose first byte is there, or -1. */
function endOfString(body: Buffer, start: number): number {
  const near = Math.min(start + SHORT, body.length);
  let at = start;
  for (; at < near; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  for (at = body.indexOf(QUOTE, at); at >= 0; at = body.indexOf(QUOTE, at + 1)) {
    if (!isEscaped(body, at, start)) return at;
  }
  return -1;
}

/** An odd number of backslashes before it. */
function isEscaped(body: Buffer, at: number, start: number): boolean {
  let before = at - 1;
  while (before >= start && body[before] === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}
