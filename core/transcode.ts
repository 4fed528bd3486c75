/**
 * DynamoDB's JSON bytes straight to BSON bytes, with no objects between: a third of the CPU of parsing,
 * converting and encoding. It knows the compact JSON the service sends; at anything else it gives up, and
 * the page goes the way of objects, which also finds the words for what can't be converted.
 */
import { Decimal128, Long, ObjectId } from "mongodb";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

const DOUBLE = 1;
const STRING = 2;
const DOCUMENT = 3;
const ARRAY = 4;
const BINARY = 5;
const OBJECT_ID = 7;
const BOOLEAN = 8;
const NULL = 10;
const INT32 = 16;
const INT64 = 18;
const DECIMAL128 = 19;

/** Runs up to here are copied byte by byte; beyond, the native copy is faster. */
const SHORT = 40;
/** A coefficient of so many digits is a safe integer, and a quotient by a power of ten rounds right. */
const SAFE_DIGITS = 15;
const EXPONENT_BIAS = 6176;
const TWO_32 = 2 ** 32;
const FIRST_SIZE = 256 * 1024;
const POWERS = Array.from({ length: SAFE_DIGITS + 1 }, (_, i) => 10 ** i);

/** How values are written. */
export interface Encoding {
  /** `exact`: int32, int64, Decimal128; `double`; `typed`: DynamoDB's own form. */
  numbers: "exact" | "double" | "typed";
  /** What becomes of a number of more than 15 digits; also counts those not held exactly. */
  longNumber: (digits: string) => unknown;
  /** What `_id` is called at the top level and further in. */
  idName: { top: string; nested: string };
  /** Whether `_id` stays the document's `_id`. */
  keepsId: boolean;
  /** Names of key attributes with numbers: those of more than 15 digits are left to the way of objects. */
  numberKeys: string[];
}

/** The input isn't of the expected form. */
export class Unexpected extends Error {}

/** Appends items as documents to a buffer that grows. */
export interface ItemEncoder {
  /**
   * Appends the item that begins at `start` of `json`.
   *
   * @returns where the item ends
   * @throws Unexpected, and nothing is appended
   */
  append(json: Buffer, start: number): number;
  /** Appends documents that are BSON already. */
  appendEncoded(bytes: Uint8Array): void;
  /** How many bytes were appended. */
  readonly length: number;
  /** Takes the first so many bytes; what follows stays. */
  take(length: number): Uint8Array;
  /** Takes everything back behind a length. */
  truncate(length: number): void;
}

/** Makes an encoder. */
export function createItemEncoder(encoding: Encoding): ItemEncoder {
  const { numbers, longNumber, idName, keepsId } = encoding;
  const typed = numbers === "typed";
  const numberKeys = encoding.numberKeys.map((name) => Buffer.from(name));
  let out = Buffer.allocUnsafe(FIRST_SIZE);
  let at = 0;
  let json: Buffer = out;
  let pos = 0;
  /** The next backslash at or behind `pos`; no string before it has an escape. */
  let escape = 0;
  // Where the name of the attribute being written stands: in the input, or unescaped in `name`.
  let name: Buffer = out;
  let nameStart = 0;
  let nameEnd = 0;

  return {
    append(input, start) {
      const before = at;
      if (input !== json) {
        json = input;
        escape = -1;
      }
      pos = start;
      if (escape < pos) findEscape();
      try {
        writeItem();
      } catch (error) {
        at = before;
        throw error;
      }
      return pos;
    },
    appendEncoded(bytes) {
      reserve(bytes.length);
      out.set(bytes, at);
      at += bytes.length;
    },
    get length() {
      return at;
    },
    take(length) {
      const taken = out.subarray(0, length);
      const rest = out.subarray(length, at);
      out = Buffer.allocUnsafe(Math.max(FIRST_SIZE, length + (length >> 2), rest.length * 2));
      rest.copy(out);
      at = rest.length;
      return taken;
    },
    truncate(length) {
      at = length;
    },
  };

  function findEscape(): void {
    const found = json.indexOf(BACKSLASH, pos);
    escape = found < 0 ? Number.POSITIVE_INFINITY : found;
  }

  function reserve(size: number): void {
    if (at + size <= out.length) return;
    const grown = Buffer.allocUnsafe(Math.max(out.length * 2, at + size));
    out.copy(grown, 0, 0, at);
    out = grown;
  }

  function expect(byte: number): void {
    if (json[pos++] !== byte) throw new Unexpected();
  }

  /** Reads a name or string; gives where it ends, and leaves `pos` behind its quote. */
  function stringEnd(): number {
    expect(QUOTE);
    const end = json.indexOf(QUOTE, pos);
    if (end < 0) throw new Unexpected();
    return end;
  }

  function writeItem(): void {
    const start = at;
    reserve(64);
    at += 4;
    if (!keepsId) {
      out[at++] = OBJECT_ID;
      at += out.write("_id\0", at, "latin1");
      out.set(ObjectId.generate(), at);
      at += 12;
    }
    writeFields(idName.top, !keepsId && idName.top === "_id", true);
    endDocument(start);
  }

  /** The attributes of an item or a map. */
  function writeFields(renamed: string, refusesId: boolean, top: boolean): void {
    let sawId = false;
    let sawRenamed = false;
    expect(OPEN);
    if (json[pos] === CLOSE) {
      pos++;
      return;
    }
    for (;;) {
      readName();
      if (nameEnd - nameStart === 3 && isId()) {
        if (refusesId) throw new Unexpected();
        if (renamed !== "_id") {
          sawId = true;
          setName(renamed);
        }
      } else if (renamed !== "_id" && nameEnd - nameStart >= 4 && isName(renamed)) sawRenamed = true;
      expect(COLON);
      writeValue(top);
      const next = json[pos++];
      if (next === CLOSE) break;
      if (next !== COMMA) throw new Unexpected();
    }
    if (sawId && sawRenamed) throw new Unexpected();
  }

  function readName(): void {
    expect(QUOTE);
    name = json;
    nameStart = pos;
    while (json[pos] !== QUOTE) {
      if (json[pos] === BACKSLASH || json[pos] === undefined) {
        pos = nameStart - 1;
        setName(readEscaped());
        return;
      }
      pos++;
    }
    nameEnd = pos++;
  }

  function setName(text: string): void {
    // A NUL would end the name, and half a surrogate pair would be replaced.
    if (text.includes("\0") || !text.isWellFormed()) throw new Unexpected();
    name = Buffer.from(text);
    nameStart = 0;
    nameEnd = name.length;
  }

  function isId(): boolean {
    return name[nameStart] === 0x5f && name[nameStart + 1] === 0x69 && name[nameStart + 2] === 0x64;
  }

  function isName(text: string): boolean {
    return name.toString("utf8", nameStart, nameEnd) === text;
  }

  function writeHead(type: number): void {
    const length = nameEnd - nameStart;
    reserve(length + 40);
    out[at++] = type;
    for (let i = nameStart; i < nameEnd; i++) out[at++] = name[i]!;
    out[at++] = 0;
  }

  /** Heads for array members: the index is the name. */
  function setIndex(index: number): void {
    name = digits;
    nameEnd = digits.length;
    nameStart = nameEnd;
    do {
      digits[--nameStart] = ZERO + (index % 10);
      index = Math.floor(index / 10);
    } while (index > 0);
  }

  /** A value `{"T":…}` as an element of the current name. */
  function writeValue(top: boolean): void {
    expect(OPEN);
    expect(QUOTE);
    const first = json[pos++]!;
    const second = json[pos++]!;
    let outer = -1;
    if (typed) {
      const tagEnd = second === QUOTE ? pos - 1 : json.indexOf(QUOTE, pos);
      writeHead(DOCUMENT);
      outer = at;
      at += 4;
      name = json;
      nameStart = second === QUOTE ? pos - 2 : pos - 2;
      nameEnd = tagEnd;
    }
    if (second === QUOTE) {
      expect(COLON);
      if (first === 0x53) writeText();
      else if (first === 0x4e) typed ? writeText() : writeNumber(top);
      else if (first === 0x4d) writeMap();
      else if (first === 0x4c) writeList();
      else if (first === 0x42) writeBinary();
      else throw new Unexpected();
    } else if (second === 0x53) {
      expect(QUOTE);
      expect(COLON);
      if (first !== 0x53 && first !== 0x4e && first !== 0x42) throw new Unexpected();
      writeSet(first);
    } else writeConstant(first);
    expect(CLOSE);
    if (outer >= 0) endDocument(outer);
  }

  /** `BOOL` and `NULL`; what stands before `pos` is their first two letters. */
  function writeConstant(first: number): void {
    const rest = json.toString("latin1", pos, pos + 9);
    if (first === 0x42 && rest.startsWith('OL":true')) writeBoolean(true, 8);
    else if (first === 0x42 && rest === 'OL":false') writeBoolean(false, 9);
    else if (first === 0x4e && rest.startsWith('LL":true')) {
      if (typed) writeBoolean(true, 8);
      else {
        writeHead(NULL);
        pos += 8;
      }
    } else throw new Unexpected();
  }

  function writeBoolean(value: boolean, length: number): void {
    writeHead(BOOLEAN);
    out[at++] = value ? 1 : 0;
    pos += length;
  }

  function writeText(): void {
    writeHead(STRING);
    const start = at;
    at += 4;
    expect(QUOTE);
    const from = pos;
    const limit = from + SHORT;
    reserve(SHORT + 8);
    for (;;) {
      const byte = json[pos];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH || byte === undefined || pos === limit) {
        at = start + 4;
        pos = from;
        writeLongText();
        break;
      }
      out[at++] = byte;
      pos++;
    }
    pos++;
    out[at++] = 0;
    out.writeInt32LE(at - start - 4, start);
  }

  /** The string from `pos` to its quote. */
  function writeLongText(): void {
    if (escape < pos) findEscape();
    const end = json.indexOf(QUOTE, pos);
    if (end < 0) throw new Unexpected();
    if (end < escape) {
      reserve(end - pos + 8);
      json.copy(out, at, pos, end);
      at += end - pos;
      pos = end;
      return;
    }
    pos--;
    const text = readEscaped();
    if (!text.isWellFormed()) throw new Unexpected();
    reserve(text.length * 3 + 8);
    at += out.write(text, at, "utf8");
    pos--;
  }

  /** A string with escapes, from its opening quote; leaves `pos` behind the closing one. */
  function readEscaped(): string {
    const start = pos;
    let end = pos + 1;
    while (json[end] !== QUOTE) {
      if (json[end] === undefined) throw new Unexpected();
      end += json[end] === BACKSLASH ? 2 : 1;
    }
    pos = end + 1;
    return JSON.parse(json.toString("utf8", start, pos)) as string;
  }

  function writeBinary(): void {
    const end = stringEnd();
    let base64 = json.toString("latin1", pos, end);
    // Some encoders escape the slash.
    if (base64.includes("\\")) {
      pos--;
      base64 = readEscaped();
    } else pos = end + 1;
    const bytes = Buffer.from(base64, "base64");
    writeHead(BINARY);
    reserve(bytes.length + 8);
    at = out.writeInt32LE(bytes.length, at);
    out[at++] = 0;
    out.set(bytes, at);
    at += bytes.length;
  }

  function writeMap(): void {
    writeHead(DOCUMENT);
    const start = at;
    at += 4;
    writeFields(idName.nested, false, false);
    endDocument(start);
  }

  function writeList(): void {
    writeMembers(() => writeValue(false));
  }

  function writeSet(type: number): void {
    const member =
      type === 0x42 ? writeBinary : type === 0x53 || typed ? writeText : (): void => writeNumber(false);
    writeMembers(member);
  }

  function writeMembers(writeMember: () => void): void {
    writeHead(ARRAY);
    const start = at;
    at += 4;
    expect(OPEN_LIST);
    if (json[pos] === CLOSE_LIST) pos++;
    else {
      for (let index = 0; ; index++) {
        setIndex(index);
        writeMember();
        const next = json[pos++];
        if (next === CLOSE_LIST) break;
        if (next !== COMMA) throw new Unexpected();
      }
    }
    endDocument(start);
  }

  function endDocument(start: number): void {
    reserve(1);
    out[at++] = 0;
    out.writeInt32LE(at - start, start);
  }

  /** A number from its opening quote. */
  function writeNumber(top: boolean): void {
    expect(QUOTE);
    const start = pos;
    const negative = json[pos] === MINUS;
    if (negative) pos++;
    let coefficient = 0;
    let count = 0;
    let scale = -1;
    for (; ; pos++) {
      const byte = json[pos]!;
      if (byte >= ZERO && byte <= NINE) {
        coefficient = coefficient * 10 + (byte - ZERO);
        count++;
        if (scale >= 0) scale++;
      } else if (byte === POINT && scale < 0) scale = 0;
      else break;
    }
    const plain = json[pos] === QUOTE && count > 0 && count <= SAFE_DIGITS && scale !== 0;
    // A fraction of zeros only is an integer.
    if (!plain || (scale > 0 && coefficient % POWERS[scale]! === 0)) return writeLongNumber(start, top);
    pos++;
    const value = negative ? -coefficient : coefficient;
    if (numbers === "double") {
      // The quotient of two exact doubles is rounded once: it is the double nearest to the digits.
      writeDouble(scale > 0 ? value / POWERS[scale]! : value);
    } else if (scale > 0) writeDecimal(negative, coefficient, scale);
    else if (value === (value | 0)) {
      writeHead(INT32);
      at = out.writeInt32LE(value | 0, at);
    } else {
      writeHead(INT64);
      const high = Math.floor(value / TWO_32);
      at = out.writeUInt32LE(value - high * TWO_32, at);
      at = out.writeInt32LE(high, at);
    }
  }

  function writeDouble(value: number): void {
    writeHead(DOUBLE);
    at = out.writeDoubleLE(value, at);
  }

  function writeDecimal(negative: boolean, coefficient: number, scale: number): void {
    writeHead(DECIMAL128);
    const high = Math.floor(coefficient / TWO_32);
    at = out.writeUInt32LE(coefficient - high * TWO_32, at);
    at = out.writeUInt32LE(high, at);
    at = out.writeUInt32LE(0, at);
    // The exponent stands above the upper 49 bits of the coefficient.
    at = out.writeUInt32LE((((EXPONENT_BIAS - scale) << 17) | (negative ? 1 << 31 : 0)) >>> 0, at);
  }

  /** Any other number, by the conversion's own rule. */
  function writeLongNumber(start: number, top: boolean): void {
    if (top && numberKeys.some((key) => key.equals(name.subarray(nameStart, nameEnd)))) {
      throw new Unexpected();
    }
    const end = json.indexOf(QUOTE, start);
    if (end < 0) throw new Unexpected();
    const value = longNumber(json.toString("latin1", start, end));
    pos = end + 1;
    if (typeof value === "string") {
      writeHead(STRING);
      reserve(value.length + 8);
      at = out.writeInt32LE(value.length + 1, at);
      at += out.write(value, at, "latin1");
      out[at++] = 0;
    } else if (value instanceof Decimal128) {
      writeHead(DECIMAL128);
      out.set(value.bytes, at);
      at += 16;
    } else if (value instanceof Long) {
      writeHead(INT64);
      at = out.writeInt32LE(value.low, at);
      at = out.writeInt32LE(value.high, at);
    } else if (numbers === "double") writeDouble(value as number);
    else {
      writeHead(INT32);
      at = out.writeInt32LE(value as number, at);
    }
  }
}

/** Room for an array index. */
const digits = Buffer.alloc(10);
