/** The full phase of one table: its segments are fetched, converted and written, then counted. */
import type { TableCheckpoint, UnitState } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { type Converted, convertFetched, convertRecords } from "../stages/convert.ts";
import { checkCounts } from "./counts.ts";
import { fetchEncoded } from "../stages/fetch.ts";
import { keyAttributes } from "../schema/keys.ts";
import { createSemaphore, type FairSemaphore, type Semaphore } from "../flow/semaphore.ts";
import { ENCODED, type Held, OBJECTS, PAGE_BYTES } from "../flow/memory-budget.ts";
import { inLanes, readAhead } from "../flow/read-ahead.ts";
import type { TableProgress } from "../progress/progress.ts";
import { readPages } from "./read-pages.ts";
import { createUnitPersister } from "../checkpoint/unit-persister.ts";
import type { Page, SourceRecord, Table, SegmentUnit } from "../types.ts";
import type { EncodedPage, Transcoder } from "../plugin/transcoder.ts";
import { confirmTable, explainCopy } from "../stages/table-now.ts";
import { createSegmentWriter, type SegmentWriterOptions } from "./segment-writer.ts";

/** What the units of one table share. */
interface TableCopy extends SegmentWriterOptions {
  /** `full.document.parser` conversions at once. */
  parsers: Semaphore;
  /** Requests to the source at once, shared by all tables. */
  readers: FairSemaphore;
}

/** Documents wait so long at most for their batch to fill while pages come, in ms. */
const LATE = 500;
/** A batch holds about so many bytes of the source's at most: larger ones are no faster, and fill the memory. */
const BATCH_BYTES = 2 * 1024 * 1024;

/**
 * Copies a table's items, from where an earlier run had come to, and checks that all of them arrived.
 *
 * @param counters is kept up to date
 * @param readers requests to the source at once, shared by all tables
 * @returns the documents present at the target that were not written here
 * @throws MigrationError COUNT_MISMATCH when documents are missing
 */
export async function copyTable(
  ctx: Context,
  table: Table,
  counters: TableProgress,
  checkpoint: TableCheckpoint,
  readers: FairSemaphore,
): Promise<number> {
  const { config } = ctx;
  let explained: Promise<unknown> | undefined;
  const copy: TableCopy = {
    async fail(thrown) {
      const error = await (explained ??= explainCopy(ctx, table, thrown));
      ctx.stop(error);
      return error;
    },
    ctx,
    table,
    counters,
    readers,
    parsers: createSemaphore(config["full.document.parser"]),
    writers: createSemaphore(config["full.document.concurrency"]),
    persister: createUnitPersister(ctx, table, checkpoint),
  };
  const begun = ctx.role("source").units(table, checkpoint.state?.units);
  const left = begun
    .map((unit) => ({ unit, from: checkpoint.unit(unit) }))
    .filter(({ from }) => from === undefined || from.position !== undefined);
  const ends = await Promise.allSettled(left.map(({ unit, from }) => copyUnit(copy, unit, from)));
  await copy.persister.flush();
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  await confirmTable(ctx, table);
  return checkCounts(ctx, table, counters);
}

/** One unit of work, from its first page to the acknowledgement of its last batch. */
async function copyUnit(copy: TableCopy, unit: SegmentUnit, from: UnitState | undefined): Promise<void> {
  const { ctx, table, counters } = copy;
  const { signal } = ctx;
  const memory = ctx.memory.unit("pages");
  const writer = createSegmentWriter(copy, unit, from, memory);
  let transcoder = shortWay(ctx, unit);
  // A hook that drops records of a batch drops them of one page, so that every page's count is known.
  const pageByPage = ctx.listens("write:before") || ctx.listens("error");
  const filters = ctx.listens("fetch:after");
  let waiting: SourceRecord[] = [];
  let startedAt = performance.now();
  /** Of the pages that are read and not taken yet, in their order. */
  const held: Held[] = [];
  /** What waits for its batch to fill. */
  const rest = memory.hold(0);
  let average = 0;
  const mostDocuments = ctx.config["full.document.write.batch"];
  /** Documents in a full batch. */
  let batchSize = mostDocuments;
  /** So many times its bytes a page takes; whether a filter wants objects shows with the first page. */
  let weight = transcoder === undefined || filters ? OBJECTS : ENCODED;
  const reserve = (): Promise<Held> => memory.reserve(PAGE_BYTES * weight, signal);
  const pages = readPages(ctx, unit, from?.position, reserve, (room, bytes) => {
    room?.resize(bytes * weight);
    held.push(room ?? memory.hold(bytes * weight));
  });
  const ahead = readAhead(inLanes(pages, copy.readers, table.name));

  /** Sends what is encoded, in full batches, while there are at least so many documents. */
  async function startEncoded(atLeast: number): Promise<void> {
    for (let count = transcoder?.count ?? 0; count >= atLeast; count = transcoder!.count) {
      startedAt = performance.now();
      await writer.startEncoded(transcoder!.take(Math.min(count, batchSize)));
    }
  }

  /** The same for records. */
  async function startRecords(atLeast: number): Promise<void> {
    while (waiting.length >= atLeast) {
      startedAt = performance.now();
      await writer.start(waiting.splice(0, batchSize));
    }
  }

  /** A page's records, converted; undefined: what is left of it is encoded. */
  async function convertedPage(page: Page, encoded: EncodedPage | undefined): Promise<Converted | undefined> {
    if (encoded === undefined) return convertRecords(ctx, unit, page.records);
    if (!filters) return undefined;
    const records = await fetchEncoded(ctx, unit, page, encoded);
    weight = records === undefined ? ENCODED : OBJECTS;
    return records && convertFetched(ctx, unit, records);
  }

  /** Takes a page to where its documents wait; documents leave in the order in which they came. */
  async function take(page: Page): Promise<void> {
    const before = transcoder?.count ?? 0;
    const encoded = transcoder?.append(page, filters);
    // A hook may edit the array in place.
    const read = encoded?.items ?? page.records.length;
    const converted = await convertedPage(page, encoded);
    const left = converted?.records.length ?? transcoder!.count - before;
    const filtered = read - left;
    const { overflowed } = (converted ?? encoded)!;
    average = Math.ceil(page.bytes / Math.max(1, read));
    batchSize = Math.max(1, Math.min(mostDocuments, Math.floor(BATCH_BYTES / average)));
    counters.bytes += page.bytes;
    counters.read += read;
    counters.filtered += filtered;
    counters.overflowed += overflowed;
    if (converted !== undefined) {
      await startEncoded(1);
      // Whoever wanted records of what was encoded wants them again; and it would keep the page that it has seen.
      if (encoded !== undefined) transcoder = undefined;
      waiting = waiting.concat(converted.records);
    } else {
      await startRecords(1);
    }
    const { position, bytes } = page;
    writer.page(read - filtered, { ...(position && { position }), read, filtered, overflowed, bytes });
  }

  /** A loop that waits for its next page would keep the last one in memory, a function that has returned doesn't. */
  async function step(): Promise<boolean> {
    const { done, value } = await ahead.next();
    if (done) return false;
    await copy.parsers.run(() => take(value));
    // A slow source doesn't fill a batch for long, and the position must not stay behind.
    const all = pageByPage || ctx.memory.isTight || performance.now() - startedAt > LATE;
    await startRecords(all ? 1 : batchSize);
    await startEncoded(all ? 1 : batchSize);
    rest.resize((waiting.length + (transcoder?.count ?? 0)) * average * weight);
    held.shift()!.release();
    signal.throwIfAborted();
    return true;
  }

  try {
    while (await step());
    await startRecords(1);
    await startEncoded(1);
    await writer.settled();
    writer.check();
  } catch (thrown) {
    // Others may wait for this room; and the page that was asked ahead waits for its own until the run stops.
    for (const each of held) each.release();
    throw await copy.fail(thrown);
  } finally {
    await ahead.return();
    await writer.settled();
    memory.close();
  }
}

/** The hooks that see records, `error` to leave some out: with one of them in use, records have to be made. */
const RECORD_HOOKS = ["convert:before", "convert:after", "write:before", "write:after", "error"] as const;

/** From the source's bytes to the target's without records between, where nobody wants to see them. */
function shortWay(ctx: Context, unit: SegmentUnit): Transcoder | undefined {
  if (ctx.role("target").writeEncoded === undefined || RECORD_HOOKS.some(ctx.listens)) return undefined;
  // Whoever gives a key another name gives it to the records too.
  if (keyAttributes(unit.table).some(({ targetName }) => targetName !== undefined)) return undefined;
  return ctx.role("convert").transcoder?.(unit);
}
