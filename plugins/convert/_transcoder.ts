/**
 * The short way of a unit's pages: their items in the service's JSON become documents in BSON, one behind the other,
 * until a batch takes the oldest of them.
 *
 * ```
 *  the page's body   …"Items":[{"pk":{"S":"a"},"n":{"N":"1"}},{"pk":{"S":"b"},"n":{"N":"2"}}],…
 *  offsets: names               ^              ^               ^              ^
 *    items, start              ^                              ^
 *    items, end                                              ^                              ^
 *
 *  the encoder       │ document │ document │ document of a │ document of b │ free
 *  ends                       [0]        [1]             [2]             [3] = the encoder's length
 *  the page's mark                         ^ 2 documents before it, ends[1] bytes
 * ```
 *
 * The offsets are the last page's, and only noted when somebody may look at its items. `keep` moves the documents that
 * match to the left, onto those that don't; taking a page back cuts the documents off at its mark; taking a batch cuts
 * them off at the front, and all ends move with them.
 */
import type { Encoding } from "../_bson/encoding.ts";
import { createItemEncoder } from "../_bson/item-encoder.ts";
import { ItemOffsets } from "../_bson/item-offsets.ts";
import { lazyItem } from "../_bson/lazy-item.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import type { Item, Page, Unit } from "../../core/types.ts";
import type { EncodedPage, Transcoder } from "../../core/plugin/transcoder.ts";
import { endsItemList, itemList } from "./_item-list.ts";
import { type Origin, recordAt, withoutFirst } from "./_origins.ts";
import { CLOSE_LIST, COMMA } from "../_bson/json-bytes.ts";
import { Unexpected } from "../_bson/json-cursor.ts";

/** A place between two documents: how many are before it, in how many bytes. */
interface Mark {
  count: number;
  length: number;
}

/**
 * Encodes the items of a unit's pages from their bodies.
 *
 * @param takeOverflowed numbers not held exactly since the last call
 */
export function createTranscoder(
  unit: Unit,
  encoding: Encoding,
  takeOverflowed: () => number,
  converter: () => Converter,
): Transcoder {
  const encoder = createItemEncoder(encoding);
  const offsets = new ItemOffsets();
  let ends: number[] = [];
  let origins: Origin[] = [];

  /** Appends the items of the list that begins there; gives where it ends. */
  function appendItems(body: Buffer, start: number, noted: ItemOffsets | undefined): number {
    let pos = start;
    if (body[pos] === CLOSE_LIST) return pos + 1;
    for (;;) {
      pos = encoder.append(body, pos, noted);
      ends.push(encoder.length);
      const next = body[pos++];
      if (next === CLOSE_LIST) return pos;
      if (next !== COMMA) throw new Unexpected();
    }
  }

  function cutBack({ count, length }: Mark): void {
    encoder.truncate(length);
    ends.length = count;
  }

  /** What was appended since a page began. */
  function encodedPage(page: Page, begun: Mark, inspectable: boolean): EncodedPage {
    const items = ends.length - begun.count;
    const origin: Origin = { page, indexes: Array.from({ length: items }, (_, i) => i) };
    if (items > 0) origins.push(origin);

    function keep(predicate: (item: Item) => boolean): number {
      const kept: number[] = [];
      let start = begun.length;
      let to = begun.length;
      for (const [i, index] of origin.indexes.entries()) {
        const end = ends[begun.count + i]!;
        if (predicate(lazyItem(offsets, index))) {
          if (to !== start) encoder.move(to, start, end);
          to += end - start;
          ends[begun.count + kept.length] = to;
          kept.push(index);
        }
        start = end;
      }
      cutBack({ count: begun.count + kept.length, length: to });
      origin.indexes = kept;
      return kept.length;
    }

    return {
      items,
      overflowed: takeOverflowed(),
      ...(inspectable && { keep }),
      takeBack() {
        cutBack(begun);
        if (items > 0) origins.pop();
        return origin.indexes;
      },
    };
  }

  return {
    append(page, inspectable = false) {
      const list = itemList(page);
      if (list === undefined) return undefined;
      const { body, start } = list;
      const begun: Mark = { count: ends.length, length: encoder.length };
      if (inspectable) offsets.begin(body);
      try {
        const end = appendItems(body, start, inspectable ? offsets : undefined);
        if (!endsItemList(body, end)) throw new Unexpected();
      } catch (error) {
        if (!(error instanceof Unexpected || error instanceof RangeError || error instanceof SyntaxError)) {
          throw error;
        }
        cutBack(begun);
        takeOverflowed();
        return undefined;
      }
      return encodedPage(page, begun, inspectable);
    },

    get count() {
      return ends.length;
    },

    take(count) {
      const length = ends[count - 1] ?? 0;
      const taken = ends.slice(0, count);
      ends = ends.slice(count).map((end) => end - length);
      const from = origins;
      origins = withoutFirst(origins, count);
      return {
        unit,
        ...encoder.take(length),
        ends: taken,
        record(index) {
          const record = { ...recordAt(from, index) };
          converter().convert([record], unit.table);
          return record;
        },
      };
    },
  };
}
