/** The short way of the converters that make BSON: a page's body in, documents out. */
import { ItemOffsets, lazyItem } from "../_bson/lazy-item.ts";
import { createItemEncoder, type Encoding, Unexpected } from "../_bson/item-encoder.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import type { Item, Page, SourceRecord, Unit } from "../../core/types.ts";
import type { EncodedPage, Transcoder } from "../../core/plugin/transcoder.ts";

const ITEMS = '"Items":[';
const COMMA = 0x2c;
const CLOSE_LIST = 0x5d;

/** Documents that came from one page, and how to get at their records. */
interface Origin {
  /** The places of the documents' records in their page, those that are still here. */
  places: number[];
  records: () => SourceRecord[];
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
  const places = new ItemOffsets();
  let ends: number[] = [];
  let origins: Origin[] = [];

  /** Appends what stands in the list that begins there. */
  function appendItems(body: Buffer, list: number, marks: ItemOffsets | undefined): void {
    let pos = list;
    if (body[pos] === CLOSE_LIST) return;
    for (;;) {
      pos = encoder.append(body, pos, marks);
      ends.push(encoder.length);
      const next = body[pos++];
      if (next === CLOSE_LIST) return;
      if (next !== COMMA) throw new Unexpected();
    }
  }

  function truncate(count: number, length: number): void {
    encoder.truncate(length);
    ends.length = count;
  }

  function encodedPage(page: Page, count: number, length: number, marks?: ItemOffsets): EncodedPage {
    const items = ends.length - count;
    const origin: Origin = {
      places: Array.from({ length: items }, (_, i) => i),
      records: () => page.records,
    };
    if (items > 0) origins.push(origin);

    function keep(predicate: (item: Item) => boolean): number {
      const { places } = origin;
      const kept: number[] = [];
      let start = length;
      let to = length;
      for (const [i, place] of places.entries()) {
        const end = ends[count + i]!;
        if (predicate(lazyItem(marks!, place))) {
          if (to !== start) encoder.move(to, start, end);
          to += end - start;
          ends[count + kept.length] = to;
          kept.push(place);
        }
        start = end;
      }
      truncate(count + kept.length, to);
      origin.places = kept;
      return kept.length;
    }

    return {
      items,
      overflowed: takeOverflowed(),
      ...(marks && { keep }),
      takeBack() {
        truncate(count, length);
        if (items > 0) origins.pop();
        return origin.places;
      },
    };
  }

  return {
    append(page, inspectable = false) {
      const { body } = page;
      const list = body?.indexOf(ITEMS) ?? -1;
      if (body === undefined || list < 0) return undefined;
      const { length } = encoder;
      const count = ends.length;
      const marks = inspectable ? places : undefined;
      marks?.begin(body);
      try {
        appendItems(body, list + ITEMS.length, marks);
      } catch (error) {
        if (!(error instanceof Unexpected || error instanceof RangeError || error instanceof SyntaxError)) {
          throw error;
        }
        truncate(count, length);
        takeOverflowed();
        return undefined;
      }
      return encodedPage(page, count, length, marks);
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
        bytes: encoder.take(length),
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

function recordAt(origins: Origin[], index: number): SourceRecord {
  let rest = index;
  for (const { places, records } of origins) {
    if (rest < places.length) return records()[places[rest]!]!;
    rest -= places.length;
  }
  throw new RangeError(`there is no document ${index}`);
}

/** What is left of the origins when so many documents are taken. */
function withoutFirst(origins: Origin[], taken: number): Origin[] {
  let rest = taken;
  const left: Origin[] = [];
  for (const origin of origins) {
    const { length } = origin.places;
    if (rest < length) left.push(rest === 0 ? origin : { ...origin, places: origin.places.slice(rest) });
    rest = Math.max(0, rest - length);
  }
  return left;
}
