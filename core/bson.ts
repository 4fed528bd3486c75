/**
 * Documents to BSON bytes. The driver's own serializer takes twice as long, and reads an attribute
 * called `_bsontype` as an instruction.
 */
import { Binary, BSON, Decimal128, Long, ObjectId, Timestamp } from "mongodb";
import type { TargetDocument } from "./types.ts";

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

/** Strings up to here are copied character by character; beyond, the native copy is faster. */
const SHORT = 24;
/** UTF-8 takes at most this many bytes per UTF-16 unit. */
const UTF8_MAX = 3;
const FIRST_SIZE = 64 * 1024;
/** A document without fields: its length and a NUL. */
const EMPTY_DOCUMENT = 5;

/** Collects documents one behind the other, as a message to the server takes them. */
export interface DocumentWriter {
  /**
   * Appends a document.
   *
   * @returns its size in bytes
   * @throws RangeError when BSON can't hold it: a NUL in a name, half a surrogate pair
   */
  append(document: TargetDocument): number;
  /** What was appended, in a view that is valid until the next append. */
  bytes(): Uint8Array;
  /** How many documents were appended. */
  readonly count: number;
}

/** What {@link createDocumentWriter} takes. */
export interface DocumentWriterOptions {
  /** Whether every plain number is a double; otherwise int32 where it is one. */
  doubles: boolean;
  /** Whether a document without `_id` gets an ObjectId. */
  addId: boolean;
}

/** Makes a writer. */
export function createDocumentWriter({ doubles, addId }: DocumentWriterOptions): DocumentWriter {
  let buffer = Buffer.allocUnsafe(FIRST_SIZE);
  let at = 0;
  let count = 0;

  return {
    append(document) {
      const start = at;
      reserve(32);
      at += 4;
      if (addId && !Object.hasOwn(document, "_id")) {
        writeHead(OBJECT_ID, "_id");
        buffer.set(ObjectId.generate(), at);
        at += 12;
      }
      try {
        writeFields(document);
      } catch (error) {
        at = start;
        throw error;
      }
      endDocument(start);
      count++;
      return at - start;
    },
    bytes: () => buffer.subarray(0, at),
    get count() {
      return count;
    },
  };

  function reserve(size: number): void {
    if (at + size <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + size));
    buffer.copy(grown, 0, 0, at);
    buffer = grown;
  }

  function endDocument(start: number): void {
    reserve(1);
    buffer[at++] = 0;
    buffer.writeInt32LE(at - start, start);
  }

  function writeFields(document: TargetDocument): void {
    for (const name in document) writeElement(name, document[name]);
  }

  function writeElement(name: string, value: unknown): void {
    // Room for the type, the name and any value of fixed size.
    reserve(name.length * UTF8_MAX + 32);
    switch (typeof value) {
      case "string":
        writeHead(STRING, name);
        return writeString(value);
      case "number":
        return writeNumber(name, value);
      case "boolean":
        writeHead(BOOLEAN, name);
        buffer[at++] = value ? 1 : 0;
        return;
      case "object":
        return value === null ? writeHead(NULL, name) : writeObject(name, value);
      default:
        return writeOther(name, value);
    }
  }

  function writeNumber(name: string, value: number): void {
    if (!doubles && Object.is(value, value | 0)) {
      writeHead(INT32, name);
      at = buffer.writeInt32LE(value | 0, at);
    } else {
      writeHead(DOUBLE, name);
      at = buffer.writeDoubleLE(value, at);
    }
  }

  function writeObject(name: string, value: object): void {
    if (Array.isArray(value)) {
      writeHead(ARRAY, name);
      const start = at;
      at += 4;
      for (let i = 0; i < value.length; i++) writeElement(String(i), value[i] ?? null);
      return endDocument(start);
    }
    const prototype = Object.getPrototypeOf(value) as unknown;
    if (prototype === Object.prototype || prototype === null) {
      writeHead(DOCUMENT, name);
      const start = at;
      at += 4;
      writeFields(value as TargetDocument);
      return endDocument(start);
    }
    if (value instanceof Decimal128) {
      writeHead(DECIMAL128, name);
      buffer.set(value.bytes, at);
      at += 16;
    } else if (value instanceof Long && !(value instanceof Timestamp)) {
      writeHead(INT64, name);
      at = buffer.writeInt32LE(value.low, at);
      at = buffer.writeInt32LE(value.high, at);
    } else if (value instanceof Binary && value.sub_type === 0) {
      writeHead(BINARY, name);
      const { position } = value;
      reserve(position + 8);
      at = buffer.writeInt32LE(position, at);
      buffer[at++] = 0;
      buffer.set(value.buffer.subarray(0, position), at);
      at += position;
    } else writeOther(name, value);
  }

  /** Whatever else a plugin may have put into a document: the driver knows. */
  function writeOther(name: string, value: unknown): void {
    const bytes = BSON.serialize({ v: value });
    // What BSON has no type for (undefined, a function) is left out, as the driver does.
    if (bytes.length === EMPTY_DOCUMENT) return;
    // Behind the length (4 bytes) stand the type, "v" and a NUL; before the end, a NUL.
    const payload = bytes.subarray(4 + 3, bytes.length - 1);
    writeHead(bytes[4]!, name);
    reserve(payload.length);
    buffer.set(payload, at);
    at += payload.length;
  }

  function writeHead(type: number, name: string): void {
    buffer[at++] = type;
    const start = at;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      if (code === 0) throw nulInName(name);
      if (code > 127) {
        if (name.includes("\0", i)) throw nulInName(name);
        at = start;
        writeUtf8(name);
        break;
      }
      buffer[at++] = code;
    }
    buffer[at++] = 0;
  }

  function writeString(value: string): void {
    const { length } = value;
    reserve(length * UTF8_MAX + 5);
    const start = at;
    at += 4;
    let i = 0;
    if (length <= SHORT) {
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        buffer[at++] = code;
      }
    }
    if (i < length) {
      at = start + 4;
      writeUtf8(value);
    }
    buffer[at++] = 0;
    buffer.writeInt32LE(at - start - 4, start);
  }

  function writeUtf8(value: string): void {
    const written = buffer.write(value, at, "utf8");
    // Only what is not plain ASCII can be malformed; it would be replaced silently.
    if (written !== value.length && !value.isWellFormed()) {
      throw new RangeError(`the string ${JSON.stringify(value.slice(0, 40))} is no valid Unicode`);
    }
    at += written;
  }
}

function nulInName(name: string): RangeError {
  return new RangeError(`the attribute name ${JSON.stringify(name)} has a NUL`);
}
