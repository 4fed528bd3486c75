/**
 * Where the items of a segment's pages become documents and wait for their batch to fill, in one of two ways:
 * as records, which hooks may see, or encoded at once ("the short way"), where nobody wants to see them.
 */
import { ENCODED, OBJECTS } from "../flow/memory-budget.ts";
import type { Context } from "../plugin/context.ts";
import { checkedRecords } from "../plugin/returned.ts";
import type { Transcoder } from "../plugin/transcoder.ts";
import { type Converted, convertFetched, convertRecords } from "../stages/convert.ts";
import { fetchEncoded } from "../stages/fetch.ts";
import { findOverflowed } from "../stages/overflowed.ts";
import { needsNoRecords } from "../stages/short-way.ts";
import type { Page, SegmentUnit, SourceRecord } from "../types.ts";
import type { SegmentWriter } from "./segment-writer.ts";

/** What became of a page. */
export interface Added {
  /** Items of the page, before hooks. */
  read: number;
  /** Documents that came of them. */
  documents: number;
  /** Numbers not held exactly. */
  overflowed: number;
  /** To be called when all of it is written: the documents, or the records that an error asks for, need the page until then. */
  release?: (() => void) | undefined;
}

/** See the top of the file. */
export interface PageSink {
  /** So many times its bytes a page takes in memory here; it may change with each page. */
  readonly weight: number;
  /** Documents that wait. */
  readonly waiting: number;
  /** The memory that they take. */
  readonly bytesWaiting: number;
  /** Takes a page; its documents wait behind those of the pages before. */
  add(page: Page): Promise<Added>;
  /** Sends so many of the documents that wait longest, as one batch; waits for a free lane, not for the answer. */
  send(documents: number): Promise<void>;
}

/** A segment's. */
export function createPageSink(ctx: Context, unit: SegmentUnit, writer: SegmentWriter): PageSink {
  const transcoder = shortWay(ctx, unit);
  const records = createRecordSink(ctx, unit, writer);
  return transcoder === undefined ? records : createEncodedSink(ctx, unit, writer, transcoder, records);
}

/** From the source's bytes to the target's without records between, where nobody wants to see them. */
function shortWay(ctx: Context, unit: SegmentUnit): Transcoder | undefined {
  if (ctx.role("target").writeEncoded === undefined || !needsNoRecords(ctx, unit.table)) return undefined;
  return ctx.role("convert").transcoder?.(unit);
}

interface RecordSink extends PageSink {
  /** Takes what came of a page's items, of which there were so many, when they are converted already. */
  put(page: Page, read: number, converted: Converted): Added;
}

function createRecordSink(ctx: Context, unit: SegmentUnit, writer: SegmentWriter): RecordSink {
  let waiting: SourceRecord[] = [];
  /** Of an item of the newest page. */
  let weightEach = 0;

  function put(page: Page, read: number, { records, overflowed }: Converted): Added {
    page.release?.();
    waiting = waiting.concat(records);
    weightEach = weigh(page.bytes, read, OBJECTS);
    return { read, documents: records.length, overflowed };
  }

  return {
    weight: OBJECTS,
    get waiting() {
      return waiting.length;
    },
    get bytesWaiting() {
      return waiting.length * weightEach;
    },
    async add(page) {
      // A hook may edit the array in place.
      const records = checkedRecords(page, unit.table);
      const read = records.length;
      return put(page, read, await convertRecords(ctx, unit, records));
    },
    put,
    send: (documents) => writer.start(waiting.splice(0, documents), documents * weightEach),
  };
}

/** @param records takes the pages that can't be encoded, and all from the first one on whose records a hook wanted */
function createEncodedSink(
  ctx: Context,
  unit: SegmentUnit,
  writer: SegmentWriter,
  transcoder: Transcoder,
  records: RecordSink,
): PageSink {
  /** Whether somebody may look at items, and want their records. */
  const filters = ctx.listens("fetch:after");
  /** Undefined once a hook wanted records: it wants the other pages' as well. */
  let encoder: Transcoder | undefined = transcoder;
  let weight = filters ? OBJECTS : ENCODED;
  /** Of an item of the newest page. */
  let weightEach = 0;

  async function sendEncoded(documents: number): Promise<void> {
    if (documents > 0) await writer.startEncoded(encoder!.take(documents));
  }

  return {
    get weight() {
      return weight;
    },
    get waiting() {
      return (encoder?.count ?? 0) + records.waiting;
    },
    get bytesWaiting() {
      return (encoder?.count ?? 0) * weightEach + records.bytesWaiting;
    },
    async add(page) {
      const before = encoder?.count ?? 0;
      const encoded = encoder?.append(page, filters);
      if (encoded === undefined) {
        await sendEncoded(before);
        return records.add(page);
      }
      const { items, overflowed } = encoded;
      const fetched = filters ? await fetchEncoded(ctx, unit, page, encoded) : undefined;
      if (fetched?.records !== undefined) {
        const converted = await convertFetched(ctx, unit, fetched.records);
        await sendEncoded(before);
        // It would keep the page that it has seen.
        encoder = undefined;
        weight = OBJECTS;
        return records.put(page, items, converted);
      }
      findOverflowed(ctx, unit.table, overflowed, () => page.records);
      if (records.waiting > 0) await records.send(records.waiting);
      weight = ENCODED;
      weightEach = weigh(page.bytes, items, ENCODED);
      const release = page.release && !fetched?.isHeld ? (): void => page.release!() : undefined;
      return { read: items, documents: encoder!.count - before, overflowed, release };
    },
    send: (documents) => (records.waiting > 0 ? records.send(documents) : sendEncoded(documents)),
  };
}

/** What an item takes in memory. */
function weigh(bytes: number, items: number, weight: number): number {
  return Math.ceil(bytes / Math.max(1, items)) * weight;
}
