/** A change's key, in DynamoDB's JSON, to the BSON of the filter that finds its document. */
import type { KeyAttribute } from "../../core/types.ts";
import { BsonBuffer, ROOM } from "./bson-buffer.ts";
import type { Encoding } from "./encoding.ts";
import { CLOSE, COMMA, OPEN, QUOTE } from "./json-bytes.ts";
import { JsonCursor, Unexpected } from "./json-cursor.ts";
import { writeBinary, writePlainNumber, writeText } from "./scalars.ts";

const FIRST_SIZE = 256;
/** One for all encoders, which encode one key after the other: one each would keep its last page in memory. */
const json = new JsonCursor();

/** A key attribute, and where it is found at the target. */
export interface KeyPath {
  attribute: KeyAttribute;
  path: string;
}

/** Encodes a key: gives the filter, a character a byte. */
export type KeyEncoder = (json: Buffer, start: number) => string;

/**
 * Makes an encoder of keys that consist of these attributes. It throws Unexpected for a key that the way of objects has
 * to look at, and SyntaxError for what is no JSON.
 */
export function createKeyEncoder(paths: readonly KeyPath[], numbers: Encoding["numbers"]): KeyEncoder {
  const out = new BsonBuffer(FIRST_SIZE);
  const parts = paths.map(({ attribute: { name, type }, path }) => ({
    /** How the attribute begins, up to its value. */
    start: Buffer.from(`${JSON.stringify(name)}:{"${type}":`),
    path,
    write: writerOf(type),
    valueAt: -1,
  }));

  function writerOf(type: KeyAttribute["type"]): () => void {
    if (type === "B") return () => writeBinary(json, out);
    if (type === "S" || numbers === "typed") return () => writeText(json, out);
    return () => {
      if (!writePlainNumber(json, out, numbers === "double")) throw new Unexpected();
    };
  }

  /** Finds the values: the service has the attributes in any order. */
  function find(): void {
    json.expect(OPEN);
    for (let found = 0; found < parts.length; found++) {
      if (found > 0) json.expect(COMMA);
      const part = parts.find(({ start }) => json.isAt(json.pos, start));
      if (part === undefined) throw new Unexpected();
      json.pos += part.start.length;
      part.valueAt = json.pos;
      json.expect(QUOTE);
      json.skipString();
      json.expect(CLOSE);
    }
    json.expect(CLOSE);
  }

  return (bytes, start) => {
    for (const part of parts) part.valueAt = -1;
    json.moveTo(bytes, start);
    find();
    out.at = 0;
    out.reserve(ROOM);
    const document = out.open();
    for (const { path, valueAt, write } of parts) {
      if (valueAt < 0) throw new Unexpected();
      out.name(path);
      json.moveTo(bytes, valueAt);
      write();
    }
    out.close(document);
    return out.bytes.toString("latin1", 0, out.at);
  };
}
