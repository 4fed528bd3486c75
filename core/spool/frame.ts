/** The spool's format: a segment file is a row of frames, each with its checksum. */
import { crc32 } from "node:zlib";
import type { SourceRecord } from "../types.ts";

/** The format's version, in every segment's first frame. */
export const VERSION = 1;
/** Begins a frame. 0xff is no part of UTF-8, so it can't be found inside a frame's JSON. */
export const MARK: Buffer = Buffer.from([0xff, 0x6e, 0x73, 0xff]);
/** The mark, the payload's length and its CRC-32, four bytes each, big-endian. */
export const HEAD_BYTES = 12;

/** A segment's first frame: whose it is. */
export interface SegmentHead {
  kind: "segment";
  version: number;
  id: string;
  table: string;
  shard: string;
  /** Counts a shard's segments from 0. */
  number: number;
  /** The last sequence number in the segments before this one; absent: there was none. */
  after?: string;
}

/** What a frame says of itself; records follow it line by line. */
export type FrameMeta =
  | SegmentHead
  /** `last`: the highest sequence number of its records. */
  | { kind: "records"; last: string }
  /** The shard was read to its end. */
  | { kind: "end" };

/** A frame as it was found. */
export interface Frame {
  meta: FrameMeta;
  /** The records' lines. */
  body: Buffer;
  /** Where it ends in the bytes it was found in. */
  end: number;
}

/** Makes a frame; the records' `key` and `document` are left out, as a converter sets them anew. */
export function encodeFrame(meta: FrameMeta, records: SourceRecord[] = []): Buffer {
  const lines = [JSON.stringify(meta)];
  for (const { key: _key, document: _document, ...record } of records) lines.push(JSON.stringify(record));
  const payload = Buffer.from(lines.join("\n"));
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  MARK.copy(head);
  head.writeUInt32BE(payload.length, 4);
  head.writeUInt32BE(checksum(head, payload), 8);
  return Buffer.concat([head, payload]);
}

/** How long the frame at an offset says it is, in bytes; undefined: none begins there. */
export function frameBytes(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < HEAD_BYTES || bytes.compare(MARK, 0, MARK.length, at, at + MARK.length) !== 0) {
    return undefined;
  }
  return HEAD_BYTES + bytes.readUInt32BE(at + 4);
}

/** The frame at an offset; undefined: there is no whole and sound one. */
export function decodeFrame(bytes: Buffer, at: number): Frame | undefined {
  const length = frameBytes(bytes, at);
  if (length === undefined || at + length > bytes.length) return undefined;
  const end = at + length;
  const payload = bytes.subarray(at + HEAD_BYTES, end);
  if (checksum(bytes.subarray(at), payload) !== bytes.readUInt32BE(at + 8)) return undefined;
  const line = payload.indexOf("\n");
  const meta = payload.toString("utf8", 0, line === -1 ? undefined : line);
  return {
    meta: JSON.parse(meta) as FrameMeta,
    body: line === -1 ? Buffer.alloc(0) : payload.subarray(line + 1),
    end,
  };
}

/** The records of a frame's body. */
export function parseRecords(body: Buffer): SourceRecord[] {
  if (body.length === 0) return [];
  // One parse of an array is quicker than one of each line; JSON has no bare line ends inside.
  return JSON.parse(`[${body.toString("utf8").replaceAll("\n", ",")}]`) as SourceRecord[];
}

/** Of the length and the payload, so that zeros aren't a sound frame. */
function checksum(head: Buffer, payload: Buffer): number {
  return crc32(payload, crc32(head.subarray(4, 8)));
}
