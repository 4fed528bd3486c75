/**
 * Documents to BSON bytes. The driver's own serializer takes twice as long, and reads an attribute
 * called `_bsontype` as an instruction.
 */
import { Binary, BSON, Decimal128, Long, ObjectId, Timestamp } from "mongodb";
import {
  ARRAY,
  BINARY,
  BOOLEAN,
  BsonBuffer,
  DECIMAL128,
  DOCUMENT,
  DOUBLE,
  INT32,
  INT64,
  NULL,
  OBJECT_ID,
  ROOM,
  STRING,
} from "./bson-buffer.ts";
import type { TakenBytes } from "./output-buffer.ts";
import { reasonOf } from "../../core/errors.ts";
import type { TargetDocument } from "../../core/types.ts";

const FIRST_SIZE = 64 * 1024;
/** A document without fields: its length and a NUL. */
const EMPTY_DOCUMENT = 5;

/** Collects documents one behind the other, as a message to the server takes them. */
export interface DocumentWriter {
  /**
   * Appends a document.
   *
   * @param id the ObjectId's bytes for one without `_id`; otherwise it is made up
   * @returns its size in bytes
   * @throws RangeError when BSON can't hold it: a NUL in a name, half a surrogate pair, what a plugin made of it
   */
  append(document: TargetDocument, id?: Uint8Array): number;
  /** What was appended, in a view that is valid until the next append. */
  bytes(): Uint8Array;
  /** Takes what was appended. */
  take(): TakenBytes;
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
  const out = new BsonBuffer(FIRST_SIZE);
  let count = 0;

  return {
    append(document, id) {
      const before = out.at;
      try {
        out.reserve(ROOM);
        const start = out.open();
        if (addId && !Object.hasOwn(document, "_id")) {
          out.name("_id");
          out.type(OBJECT_ID);
          out.raw(id ?? ObjectId.generate());
        }
        writeFields(document);
        out.close(start);
      } catch (error) {
        out.at = before;
        // What a plugin has put there may be a cycle, a getter that throws, or of a type that the driver refuses.
        throw error instanceof RangeError ? error : new RangeError(reasonOf(error), { cause: error });
      }
      count++;
      return out.at - before;
    },
    bytes: () => out.bytes.subarray(0, out.at),
    take: () => out.take(out.at),
    get count() {
      return count;
    },
  };

  function writeFields(document: TargetDocument): void {
    for (const name in document) {
      out.name(name);
      writeValue(document[name]);
    }
  }

  /** The type and value of the element named last. */
  function writeValue(value: unknown): void {
    switch (typeof value) {
      case "string":
        out.type(STRING);
        return out.string(value);
      case "number":
        return writeNumber(value);
      case "boolean":
        out.type(BOOLEAN);
        return out.boolean(value);
      case "object":
        return value === null ? out.type(NULL) : writeObject(value);
      default:
        return writeOther(value);
    }
  }

  function writeNumber(value: number): void {
    if (!doubles && Object.is(value, value | 0)) {
      out.type(INT32);
      out.int32(value | 0);
    } else {
      out.type(DOUBLE);
      out.double(value);
    }
  }

  function writeObject(value: object): void {
    if (Array.isArray(value)) {
      const start = out.open(ARRAY);
      for (let i = 0; i < value.length; i++) {
        out.index(i);
        writeValue(value[i] ?? null);
      }
      return out.close(start);
    }
    const prototype = Object.getPrototypeOf(value) as unknown;
    if (prototype === Object.prototype || prototype === null) {
      const start = out.open(DOCUMENT);
      writeFields(value as TargetDocument);
      return out.close(start);
    }
    if (value instanceof Decimal128) {
      out.type(DECIMAL128);
      out.raw(value.bytes);
    } else if (value instanceof Long && !(value instanceof Timestamp)) {
      out.type(INT64);
      out.int32(value.low);
      out.int32(value.high);
    } else if (value instanceof Binary && value.sub_type === 0) {
      out.type(BINARY);
      out.binary(value.buffer.subarray(0, value.position));
    } else writeOther(value);
  }

  /** Whatever else a plugin may have put into a document: the driver knows. */
  function writeOther(value: unknown): void {
    // Of a larger one the driver keeps 64 bits, and says nothing.
    if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value)
      throw new RangeError(`a bigint that 64 bits don't hold: ${value}`);
    const bytes = BSON.serialize({ v: value });
    // What BSON has no type for (undefined, a function) is left out, as the driver does.
    if (bytes.length === EMPTY_DOCUMENT) {
      out.at = out.typeAt;
      return;
    }
    out.type(bytes[4]!);
    // Behind the length (4 bytes) stand the type, "v" and a NUL; before the end, a NUL.
    out.raw(bytes.subarray(4 + 3, bytes.length - 1));
  }
}
