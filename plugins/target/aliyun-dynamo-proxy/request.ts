/** BatchWriteItem's requests and answers as bytes: what is written is neither parsed nor made into objects. */
import { keyOf, keyText, targetNameOf } from "../../../core/schema/keys.ts";
import type { Batch, Item, SourceRecord, Table, TargetDocument } from "../../../core/types.ts";
import type { EncodedBatch } from "../../../core/plugin/transcoder.ts";
import { parseAnswer } from "../../_dynamodb/answer.ts";
import { malformed } from "../../_dynamodb/errors.ts";

/** The service's limit of one request. */
const MOST_WRITES = 25;
/** It takes 16 MB; what is around the items needs room too. */
const MOST_BYTES = 15 * 1024 * 1024;

/** One put or delete. */
export interface Write {
  op: SourceRecord["op"];
  /** The item or the key, in DynamoDB JSON. */
  json: Uint8Array;
  /** What it comes from, for errors. */
  record: () => SourceRecord;
}

const AROUND: Record<Write["op"], { before: Buffer; after: Buffer }> = {
  put: { before: Buffer.from('{"PutRequest":{"Item":'), after: Buffer.from("}}") },
  delete: { before: Buffer.from('{"DeleteRequest":{"Key":'), after: Buffer.from("}}") },
};
const COMMA = Buffer.from(",");
const END = Buffer.from("]}}");
/** The usual answer. */
const NOTHING_LEFT = Buffer.from('{"UnprocessedItems":{}}');

/** The writes of documents that are encoded already. */
export function encodedWrites({ bytes, ends, record }: EncodedBatch): Write[] {
  return ends.map((end, i) => ({
    op: "put",
    json: bytes.subarray(ends[i - 1] ?? 0, end),
    record: () => record(i),
  }));
}

/** The writes of records, one of each key: the service refuses more, and the last one counts. */
export function recordWrites({ records, unit: { table } }: Batch): Write[] {
  const last = new Map<unknown, Write>();
  for (const record of records) {
    const value = record.op === "put" ? record.document! : record.key!;
    last.set(keyOfValue(value, table) ?? record, {
      op: record.op,
      json: Buffer.from(JSON.stringify(value)),
      record: () => record,
    });
  }
  return [...last.values()];
}

/** Cuts writes into what one request takes; one that is larger than all of it goes alone. */
export function requests(writes: Write[]): Write[][] {
  const cut: Write[][] = [];
  let bytes = Infinity;
  for (const write of writes) {
    const current = cut.at(-1);
    if (current === undefined || current.length === MOST_WRITES || bytes + write.json.length > MOST_BYTES) {
      cut.push([write]);
      bytes = write.json.length;
    } else {
      current.push(write);
      bytes += write.json.length;
    }
  }
  return cut;
}

/** A request's body. */
export function requestBody({ targetName }: Table, writes: Write[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [Buffer.from(`{"RequestItems":{${JSON.stringify(targetName)}:[`)];
  writes.forEach(({ op, json }, i) => {
    if (i > 0) parts.push(COMMA);
    parts.push(AROUND[op].before, json, AROUND[op].after);
  });
  parts.push(END);
  return Buffer.concat(parts);
}

interface WriteAnswer {
  UnprocessedItems: Record<string, Unprocessed[]> | null;
}

/** A write as the service gives it back. */
interface Unprocessed {
  PutRequest?: { Item: Item };
  DeleteRequest?: { Key: Item };
}

/**
 * Those of a request's writes that the service hasn't done.
 *
 * @throws Error MalformedAnswerError
 */
export function unprocessed(answer: Buffer, writes: Write[], table: Table): Write[] {
  if (answer.equals(NOTHING_LEFT)) return [];
  const left = parse(answer);
  if (left.length === 0) return [];
  const byKey = new Map(writes.map((write) => [keyOfWrite(write, table), write]));
  const found = new Set<Write>();
  for (const { PutRequest, DeleteRequest } of left) {
    const write = byKey.get(keyOfValue(PutRequest?.Item ?? DeleteRequest?.Key ?? {}, table));
    if (write === undefined) throw malformed("the answer gives back what was not sent");
    found.add(write);
  }
  return [...found];
}

function parse(answer: Buffer): Unprocessed[] {
  // Some servers write an empty one as null.
  const isThere = (value: unknown): boolean => typeof value === "object";
  const { UnprocessedItems } = parseAnswer<WriteAnswer>(answer, "UnprocessedItems", isThere);
  return Object.values(UnprocessedItems ?? {}).flat();
}

function keyOfWrite({ json }: Write, table: Table): string | undefined {
  return keyOfValue(JSON.parse(Buffer.from(json).toString("utf8")) as TargetDocument, table);
}

/** The key in an item, as text; numbers by their value. Undefined: it has none, and the service says so. */
function keyOfValue(value: TargetDocument, table: Table): string | undefined {
  const key = keyOf(value, table, targetNameOf);
  return key && keyText(key, table);
}
