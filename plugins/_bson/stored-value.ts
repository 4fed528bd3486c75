/** Documents taken apart for whoever looks at them: every type that BSON has, under any name. */
import { Decimal128 } from "mongodb";
import type { StoredValue } from "../../core/plugin/stored.ts";
import {
  ARRAY,
  BINARY,
  BOOLEAN,
  DECIMAL128,
  DOCUMENT,
  DOUBLE,
  INT32,
  INT64,
  NULL,
  OBJECT_ID,
  STRING,
} from "./bson-buffer.ts";
import {
  checkBounds,
  CODE,
  CODE_WITH_SCOPE,
  cstringEnd,
  DATE,
  DB_POINTER,
  int32At,
  MalformedBson,
  MAX_KEY,
  MIN_KEY,
  REGEX,
  SYMBOL,
  TIMESTAMP,
  UNDEFINED,
  valueEnd,
} from "./elements.ts";
import { extendedJson } from "./extended-json.ts";

/** Deeper than any server takes. */
const DEEPEST = 250;

/** How a type is called, and its value in canonical Extended JSON. */
type Leaf = [name: string, read: (bytes: Buffer, at: number, end: number, depth: number) => unknown];

const LEAVES: Record<number, Leaf> = {
  [DOUBLE]: ["double", (bytes, at) => ({ $numberDouble: doubleText(bytes.readDoubleLE(at)) })],
  [STRING]: ["string", text],
  [BINARY]: [
    "binary",
    (bytes, at, end) => ({
      $binary: {
        base64: bytes.toString("base64", at + 5, end),
        subType: bytes.toString("hex", at + 4, at + 5),
      },
    }),
  ],
  [UNDEFINED]: ["undefined", () => ({ $undefined: true })],
  [OBJECT_ID]: ["objectId", (bytes, at, end) => ({ $oid: bytes.toString("hex", at, end) })],
  [BOOLEAN]: ["bool", (bytes, at) => bytes[at] !== 0],
  [DATE]: ["date", (bytes, at) => ({ $date: { $numberLong: String(bytes.readBigInt64LE(at)) } })],
  [NULL]: ["null", () => null],
  [REGEX]: [
    "regex",
    (bytes, at, end) => {
      const patternEnd = cstringEnd(bytes, at);
      const pattern = bytes.toString("utf8", at, patternEnd);
      return { $regularExpression: { pattern, options: bytes.toString("utf8", patternEnd + 1, end - 1) } };
    },
  ],
  [DB_POINTER]: [
    "dbPointer",
    (bytes, at, end) => ({
      $dbPointer: { $ref: text(bytes, at, end - 12), $id: { $oid: bytes.toString("hex", end - 12, end) } },
    }),
  ],
  [CODE]: ["code", (bytes, at, end) => ({ $code: text(bytes, at, end) })],
  [SYMBOL]: ["symbol", (bytes, at, end) => ({ $symbol: text(bytes, at, end) })],
  [CODE_WITH_SCOPE]: [
    "codeWithScope",
    (bytes, at, end, depth) => {
      const scope = valueEnd(bytes, STRING, at + 4);
      if (scope > end) throw new MalformedBson("a value beyond its document");
      const $code = text(bytes, at + 4, scope);
      return {
        $code,
        $scope: extendedJson({ type: "document", fields: fieldsOf(bytes, scope, end, depth) }),
      };
    },
  ],
  [INT32]: ["int32", (bytes, at) => ({ $numberInt: String(bytes.readInt32LE(at)) })],
  [TIMESTAMP]: [
    "timestamp",
    (bytes, at) => ({ $timestamp: { t: bytes.readUInt32LE(at + 4), i: bytes.readUInt32LE(at) } }),
  ],
  [INT64]: ["int64", (bytes, at) => ({ $numberLong: String(bytes.readBigInt64LE(at)) })],
  [DECIMAL128]: [
    "decimal128",
    (bytes, at, end) => ({
      $numberDecimal: new Decimal128(Uint8Array.from(bytes.subarray(at, end))).toString(),
    }),
  ],
  [MIN_KEY]: ["minKey", () => ({ $minKey: 1 })],
  [MAX_KEY]: ["maxKey", () => ({ $maxKey: 1 })],
};

/**
 * A whole document.
 *
 * @throws MalformedBson
 */
export function decodeDocument(document: Uint8Array): StoredValue {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.length);
  return { type: "document", fields: fieldsOf(bytes, 0, bytes.length, 0) };
}

function fieldsOf(bytes: Buffer, start: number, end: number, depth: number): Map<string, StoredValue> {
  const fields = new Map<string, StoredValue>();
  eachElement(bytes, start, end, depth, (name, value) => {
    // Nothing keeps others from writing a name twice.
    let free = name;
    while (fields.has(free)) free += " (again)";
    fields.set(free, value);
  });
  return fields;
}

function eachElement(
  bytes: Buffer,
  start: number,
  end: number,
  depth: number,
  visit: (name: string, value: StoredValue) => void,
): void {
  if (depth > DEEPEST) throw new MalformedBson(`more than ${DEEPEST} levels`);
  checkBounds(bytes, start, end);
  for (let at = start + 4; at < end - 1;) {
    const type = bytes[at]!;
    const nameEnd = cstringEnd(bytes, at + 1);
    const next = valueEnd(bytes, type, nameEnd + 1);
    if (next > end - 1) throw new MalformedBson("a value beyond its document");
    visit(bytes.toString("utf8", at + 1, nameEnd), valueOf(bytes, type, nameEnd + 1, next, depth + 1));
    at = next;
  }
}

function valueOf(bytes: Buffer, type: number, at: number, end: number, depth: number): StoredValue {
  if (type === DOCUMENT) return { type: "document", fields: fieldsOf(bytes, at, end, depth) };
  if (type === ARRAY) {
    const items: StoredValue[] = [];
    eachElement(bytes, at, end, depth, (_, value) => items.push(value));
    return { type: "array", items };
  }
  const [name, read] = LEAVES[type]!;
  return { type: name, value: read(bytes, at, end, depth) };
}

/** A string; one that is no valid UTF-8 as its bytes. */
function text(bytes: Buffer, at: number, end: number): unknown {
  const [from, to] = [at + 4, at + 3 + int32At(bytes, at)];
  const found = bytes.toString("utf8", from, Math.min(to, end));
  const isExact = !found.includes("\ufffd") || Buffer.from(found).equals(bytes.subarray(from, to));
  return isExact ? found : { $invalidUtf8: bytes.toString("base64", from, to) };
}

function doubleText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}
