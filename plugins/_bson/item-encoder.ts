/**
 * DynamoDB's JSON bytes straight to BSON bytes, with no objects between: a third of the CPU of parsing,
 * converting and encoding. It knows the compact JSON the service sends; at anything else it gives up, and
 * the page goes the way of objects, which also finds the words for what can't be converted.
 */
import { ObjectId } from "mongodb";
import { ARRAY, BsonBuffer, DOCUMENT, OBJECT_ID } from "./bson-buffer.ts";
import type { TakenBytes } from "./output-buffer.ts";
import { JsonCursor, Unexpected } from "./json-cursor.ts";
import type { Encoding } from "./encoding.ts";
import { FieldNames } from "./field-names.ts";
import type { ItemOffsets } from "./item-offsets.ts";
import { KeyCheck } from "./key-check.ts";
import { knownNames } from "./known-names.ts";
import { hashOf } from "./name-hash.ts";
import { END, NAME, writePlainFields } from "./plain-fields.ts";
import { createKeyReader, NO_ID } from "./key-reader.ts";
import {
  writeBinary,
  writeConstant,
  writeConverted,
  writeName,
  writePlainNumber,
  writeText,
} from "./scalars.ts";
import { B, CLOSE, CLOSE_LIST, COLON, COMMA, L, M, N, OPEN, OPEN_LIST, QUOTE, S } from "./json-bytes.ts";

const FIRST_SIZE = 256 * 1024;
/** One for all encoders, which encode one item after the other: one each would keep its last page in memory. */
const json = new JsonCursor();
/** By depth; for all encoders as well. */
const names: FieldNames[] = [];

/** Appends items as documents to a buffer that grows. */
export interface ItemEncoder {
  /**
   * Appends the item that begins at `start` of `json`.
   *
   * @param offsets gets where the item and its attributes' names stand, see plugins/convert/_transcoder.ts
   * @returns where the item ends
   * @throws Unexpected, RangeError or SyntaxError, and nothing is appended
   */
  append(json: Buffer, start: number, offsets?: ItemOffsets): number;
  /** How many bytes were appended. */
  readonly length: number;
  /** Takes the first so many bytes; what follows stays. */
  take(length: number): TakenBytes;
  /** Takes everything back behind a length. */
  truncate(length: number): void;
  /** Moves bytes to the left, over others. */
  move(to: number, start: number, end: number): void;
}

/**
 * Makes an encoder.
 *
 * @param firstSize of its memory, which grows
 */
export function createItemEncoder(encoding: Encoding, firstSize: number = FIRST_SIZE): ItemEncoder {
  const { numbers, longNumber, idName, keepsId } = encoding;
  const typed = numbers === "typed";
  const doubles = numbers === "double";
  const refusesId = !keepsId && idName.top === "_id";
  // As they are called at the target.
  const targetName = (name: string): Buffer => Buffer.from(name === "_id" ? idName.top : name);
  const keys = encoding.keys.map(({ name, type }) => ({ name: targetName(name), type }));
  const keyCheck = new KeyCheck(encoding.bare ? [] : keys, typed);
  const numberKeys = keys.filter(({ type }) => type === "N").map(({ name }) => name);
  const key = encoding.derivesId && createKeyReader(keys.map(({ name }) => name));
  const out = new BsonBuffer(firstSize);
  let offsets: ItemOffsets | undefined;
  /** How many maps are around what is written; the item is one. */
  let depth = 0;

  return {
    append(input, start, itemOffsets) {
      const before = out.length;
      offsets = itemOffsets;
      json.moveTo(input, start);
      try {
        writeItem();
      } catch (error) {
        out.truncate(before);
        throw error;
      }
      offsets?.addItem(start, json.pos);
      return json.pos;
    },
    get length() {
      return out.length;
    },
    take: (length) => out.take(length),
    truncate: (length) => out.truncate(length),
    move: (to, start, end) => out.move(to, start, end),
  };

  function writeItem(): void {
    out.begin();
    knownNames.begin();
    const start = out.open();
    const idAt = keepsId || encoding.bare ? -1 : writeId();
    keyCheck.begin();
    depth = 0;
    writeFields(true);
    if (!keyCheck.isWhole) throw new Unexpected();
    if (key !== undefined) out.bytes.set(key.id(), idAt);
    out.close(start);
  }

  /** Writes an `_id`, or leaves room for it, and gives where it stands. */
  function writeId(): number {
    out.name("_id");
    out.type(OBJECT_ID);
    key?.begin();
    out.raw(key === undefined ? ObjectId.generate() : NO_ID);
    return out.at - NO_ID.length;
  }

  /** The attributes of an item or a map. */
  function writeFields(top: boolean): void {
    const here = (names[depth++] ??= new FieldNames());
    here.begin();
    const first = out.at;
    const item = top ? { keyCheck, offsets } : undefined;
    // The key's values are looked at one by one then.
    const mayBePlain = !typed && !(top && key !== undefined);
    json.expect(OPEN);
    if (json.bytes[json.pos] === CLOSE) {
      json.pos++;
      depth--;
      return;
    }
    for (;;) {
      const stop = mayBePlain ? writePlainFields(json, out, here, doubles, item) : NAME;
      if (stop === END) break;
      if (stop === NAME) writeNewName(top, here, first);
      const { hash } = json;
      const { typeAt } = out;
      const part = top && key !== undefined ? key.partNamed(isNamed) : -1;
      const from = json.pos;
      writeValue(top);
      if (top) keyCheck.see(hash, out, typeAt);
      if (part >= 0) key!.take(part, json.bytes, from, json.pos);
      const next = json.bytes[json.pos++];
      if (next === CLOSE) break;
      if (next !== COMMA) throw new Unexpected();
    }
    depth--;
  }

  /** Writes a name with the colon behind it; its hash is the cursor's. */
  function writeNewName(top: boolean, here: FieldNames, first: number): void {
    if (top) offsets?.addName(json.pos);
    json.hash = writeName(json, out);
    if (out.at - out.typeAt - 2 === 3 && isId()) {
      if (top && refusesId) throw new Unexpected();
      const renamed = top ? idName.top : idName.nested;
      if (renamed !== "_id") {
        out.at = out.typeAt;
        out.name(renamed);
        json.hash = hashOf(out.bytes, out.typeAt + 1, out.at - 1);
      }
    }
    if (!here.add(json.hash, out, first)) throw new Unexpected();
    json.expect(COLON);
  }

  /** Whether a name of three bytes is `_id`. */
  function isId(): boolean {
    const { bytes, typeAt } = out;
    return bytes[typeAt + 1] === 0x5f && bytes[typeAt + 2] === 0x69 && bytes[typeAt + 3] === 0x64;
  }

  /** Whether the name written last is this one. */
  function isNamed(name: Buffer): boolean {
    const start = out.typeAt + 1;
    return name.length === out.at - 1 - start && name.equals(out.bytes.subarray(start, out.at - 1));
  }

  /** A value `{"T":…}` for the name that stands already. */
  function writeValue(top: boolean): void {
    const { bytes, pos } = json;
    if (bytes[pos] !== OPEN || bytes[pos + 1] !== QUOTE) throw new Unexpected();
    const first = bytes[pos + 2]!;
    const second = bytes[pos + 3]!;
    const length = second === QUOTE ? 1 : second === S ? 2 : 4;
    const outer = typed ? openTyped(pos + 2, length) : -1;
    const colon = pos + 2 + length + 1;
    if (bytes[colon - 1] !== QUOTE || bytes[colon] !== COLON) throw new Unexpected();
    json.pos = colon + 1;
    if (length === 1) writeOne(first, top);
    else if (length === 2) writeSet(first);
    else writeConstant(json, out, pos + 2, typed);
    json.expect(CLOSE);
    if (outer >= 0) out.close(outer);
  }

  /** A document for the value; its only field has the type tag's name. */
  function openTyped(tag: number, length: number): number {
    const outer = out.open(DOCUMENT);
    out.nameOf(json.bytes, tag, tag + length);
    return outer;
  }

  function writeOne(type: number, top: boolean): void {
    if (type === S) writeText(json, out);
    else if (type === N) writeNumber(top);
    else if (type === M) {
      const start = out.open(DOCUMENT);
      writeFields(false);
      out.close(start);
    } else if (type === L) writeMembers(writeListMember);
    else if (type === B) writeBinary(json, out);
    else throw new Unexpected();
  }

  function writeSet(type: number): void {
    if (type !== S && type !== N && type !== B) throw new Unexpected();
    writeMembers(() => writeOne(type, false));
  }

  function writeListMember(): void {
    writeValue(false);
  }

  function writeMembers(writeMember: () => void): void {
    const start = out.open(ARRAY);
    json.expect(OPEN_LIST);
    if (json.bytes[json.pos] === CLOSE_LIST) json.pos++;
    else {
      for (let index = 0; ; index++) {
        out.index(index);
        writeMember();
        const next = json.bytes[json.pos++];
        if (next === CLOSE_LIST) break;
        if (next !== COMMA) throw new Unexpected();
      }
    }
    out.close(start);
  }

  function writeNumber(top: boolean): void {
    if (typed) writeText(json, out);
    else if (!writePlainNumber(json, out, doubles)) {
      if (top && numberKeys.some(isNamed)) throw new Unexpected();
      json.expect(QUOTE);
      writeConverted(longNumber(json.ascii()), out, doubles);
    }
  }
}
