/**
 * The fields that most items are made of, short strings and numbers under names that came before, four bytes at a time: half of
 * the CPU of looking at each byte. Whatever it doesn't know it leaves where it stands, for item-encoder.ts.
 */
import { type BsonBuffer, DECIMAL128, DOUBLE, INT32, STRING } from "./bson-buffer.ts";
import type { FieldNames } from "./field-names.ts";
import type { ItemOffsets } from "./item-offsets.ts";
import { MINUS, NINE, POINT, QUOTE, ZERO } from "./json-bytes.ts";
import { type JsonCursor, Unexpected } from "./json-cursor.ts";
import type { KeyCheck } from "./key-check.ts";
import { BEHIND_NAME, knownNames, WORDS } from "./known-names.ts";
import { EXPONENT_BIAS } from "./number.ts";

/** `S":"` and `N":"`, `},` and `}}`: the first byte is the lowest. */
const TEXT = 0x223a2253;
const NUMBER = 0x223a224e;
const NEXT = 0x2c7d;
const LAST = 0x7d7d;
/** The longest string. */
const LONGEST = 64;
/** Digits of the longest number: an int32 holds them, whatever they are. */
const DIGITS = 9;
const POWERS = Int32Array.from({ length: DIGITS + 1 }, (_, i) => 10 ** i);
/** What a field takes at most, in either form, with the words around it. */
const FIELD = 160;

/** Where it stopped: at a name's opening quote; at a value whose name is written; behind the document. */
export const NAME = 0;
export const VALUE = 1;
export const END = 2;

/** Who is told of an item's own fields. */
export interface ItemFields {
  keyCheck: KeyCheck;
  offsets: ItemOffsets | undefined;
}

/**
 * Writes fields from the opening quote of a name on, as many as it knows. It is one function: calls between its parts cost a
 * quarter of its time.
 *
 * @param names of the document
 * @param doubles whether numbers are doubles
 * @param item undefined: the fields are a map's
 * @returns where it stopped; the hash of a value's name is the cursor's
 * @throws Unexpected
 */
export function writePlainFields(
  json: JsonCursor,
  out: BsonBuffer,
  names: FieldNames,
  doubles: boolean,
  item: ItemFields | undefined,
): number {
  const { bytes, view: source } = json;
  const last = bytes.length - FIELD;
  const { words, lengths, hashes } = knownNames;
  const { seen, next, document } = names;
  let { pos } = json;
  while (pos <= last) {
    const name = next[names.before]!;
    const length = lengths[name]!;
    if (length === 0 || bytes[pos] !== QUOTE) return NAME;
    out.reserve(FIELD);
    const { view: target, at: typeAt } = out;
    const first = name * WORDS;
    // What is written of the word behind the name is written over.
    for (let i = 0; i < length; i += 4) {
      const word = words[first + (i >> 2)]!;
      if (source.getInt32(pos + 1 + i, true) !== word) return NAME;
      target.setInt32(typeAt + 1 + i, word, true);
    }
    let from = pos + 1 + length;
    // One that is there twice is found by who comes next.
    if (source.getInt32(from, true) !== BEHIND_NAME || seen[name] === document) return NAME;
    seen[name] = document;
    names.before = name;
    if (item !== undefined) item.offsets?.addName(pos);
    let at = typeAt + 1 + length;
    target.setUint8(at++, 0);
    out.typeAt = typeAt;
    out.at = at;
    json.hash = hashes[name]!;
    json.pos = from + 2;
    const type = source.getInt32(from + 4, true);
    from += 8;
    if (type === TEXT) {
      const text = at + 4;
      let i = 0;
      let found = 0;
      for (; i < LONGEST; i += 4) {
        const word = source.getInt32(from + i, true);
        target.setInt32(text + i, word, true);
        // The lowest byte of these that has its highest bit is a quote, a backslash or below a blank.
        const quote = word ^ 0x22222222;
        const escape = word ^ 0x5c5c5c5c;
        found =
          (((quote - 0x01010101) & ~quote) |
            ((escape - 0x01010101) & ~escape) |
            ((word - 0x20202020) & ~word)) &
          0x80808080;
        if (found !== 0) break;
      }
      if (found === 0) return VALUE;
      i += (31 - Math.clz32(found & -found)) >> 3;
      if (bytes[from + i] !== QUOTE) return VALUE;
      target.setUint8(typeAt, STRING);
      target.setInt32(at, i + 1, true);
      at = text + i;
      target.setUint8(at++, 0);
      from += i + 1;
    } else if (type === NUMBER) {
      const negative = bytes[from] === MINUS;
      if (negative) from++;
      const begin = from;
      let point = -1;
      let value = 0;
      let byte = bytes[from]!;
      for (const end = from + DIGITS + 1; from < end; byte = bytes[++from]!) {
        if (byte >= ZERO && byte <= NINE) value = (Math.imul(value, 10) + (byte - ZERO)) | 0;
        else if (byte === POINT && point < 0) point = from;
        else break;
      }
      const scale = point < 0 ? 0 : from - point - 1;
      const digits = from - begin - (point < 0 ? 0 : 1);
      if (byte !== QUOTE || digits === 0 || digits > DIGITS) return VALUE;
      // An integer may be written with a point, and with zeros behind it.
      if (point >= 0 && (scale === 0 || bytes[from - 1] === ZERO)) return VALUE;
      if (doubles) {
        target.setUint8(typeAt, DOUBLE);
        // The quotient of two exact doubles is rounded once: it is the double nearest to the digits.
        const size = value / POWERS[scale]!;
        target.setFloat64(at, negative ? -size : size, true);
        at += 8;
      } else if (point < 0) {
        target.setUint8(typeAt, INT32);
        target.setInt32(at, negative ? (0 - value) | 0 : value, true);
        at += 4;
      } else {
        // As number.ts makes a small Decimal128, without an object; the exponent stands above the upper 49 bits of the coefficient.
        target.setUint8(typeAt, DECIMAL128);
        target.setInt32(at, value, true);
        target.setInt32(at + 4, 0, true);
        target.setInt32(at + 8, 0, true);
        target.setInt32(at + 12, ((EXPONENT_BIAS - scale) << 17) | (negative ? 1 << 31 : 0), true);
        at += 16;
      }
      from++;
    } else return VALUE;
    const behind = source.getUint16(from, true);
    if (behind !== NEXT && behind !== LAST) throw new Unexpected();
    out.at = at;
    if (item !== undefined) item.keyCheck.see(json.hash, out, typeAt);
    pos = json.pos = from + 2;
    if (behind === LAST) return END;
  }
  return NAME;
}
