/** The short way of `same`: the items' bytes are cut out of a page's body and handed on as they are. */
import type { Converter } from "../../../core/plugin/roles.ts";
import type { Item, Page, SourceRecord, Unit } from "../../../core/types.ts";
import type { Transcoder } from "../../../core/plugin/transcoder.ts";
import { endsItemList, itemList } from "../_item-list.ts";
import { itemBounds } from "../../_dynamodb/item-bounds.ts";

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
      if (bounds === undefined || !endsItemList(body, (bounds.at(-1) ?? start) + 1)) return undefined;
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
