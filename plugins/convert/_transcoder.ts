import { createItemEncoder, type Encoding, Unexpected } from "../../core/transcode.ts";
import type { Converter } from "../../core/roles.ts";
import type { SourceRecord, Transcoder, Unit } from "../../core/types.ts";

const ITEMS = '"Items":[';
const COMMA = 0x2c;
const CLOSE_LIST = 0x5d;

/** Documents that came from one page, and how to get at their records. */
interface Origin {
  /** How many documents. */
  count: number;
  records: () => SourceRecord[];
  /** The page's first record that is still here. */
  first: number;
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
  let ends: number[] = [];
  let origins: Origin[] = [];

  return {
    append(page) {
      const { body } = page;
      const list = body?.indexOf(ITEMS) ?? -1;
      if (body === undefined || list < 0) return undefined;
      const length = encoder.length;
      const count = ends.length;
      try {
        let pos = list + ITEMS.length;
        if (body[pos] !== CLOSE_LIST) {
          for (;;) {
            pos = encoder.append(body, pos);
            ends.push(encoder.length);
            const next = body[pos++];
            if (next === CLOSE_LIST) break;
            if (next !== COMMA) throw new Unexpected();
          }
        }
      } catch (error) {
        if (!(error instanceof Unexpected || error instanceof RangeError || error instanceof SyntaxError)) {
          throw error;
        }
        encoder.truncate(length);
        ends.length = count;
        takeOverflowed();
        return undefined;
      }
      const items = ends.length - count;
      if (items > 0) origins.push({ count: items, records: () => page.records, first: 0 });
      return { items, overflowed: takeOverflowed() };
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
  for (const { count, records, first } of origins) {
    if (rest < count) return records()[first + rest]!;
    rest -= count;
  }
  throw new RangeError(`there is no document ${index}`);
}

/** What is left of the origins when so many documents are taken. */
function withoutFirst(origins: Origin[], taken: number): Origin[] {
  let rest = taken;
  const left: Origin[] = [];
  for (const origin of origins) {
    const gone = Math.min(rest, origin.count);
    rest -= gone;
    if (gone < origin.count) {
      left.push({ ...origin, count: origin.count - gone, first: origin.first + gone });
    }
  }
  return left;
}
