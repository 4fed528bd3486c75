/** The full phase of one table: its segments are fetched, converted and written, then counted. */
import type { TableCheckpoint, UnitState } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { fetchAfterEvent } from "./hooks.ts";
import { keyAttributes } from "./key-of.ts";
import { createLanes, type FairLanes, type Lanes } from "./lanes.ts";
import { inLanes, readAhead } from "./read-ahead.ts";
import type { TableProgress } from "./progress.ts";
import { createSaver } from "./saver.ts";
import type { Page, SourceRecord, Table, Transcoder, SegmentUnit } from "./types.ts";
import { createWrites, edited, type WriteOptions } from "./writes.ts";

/** What the units of one table share. */
interface TableCopy extends WriteOptions {
  /** `full.document.parser` conversions at once. */
  parsers: Lanes;
  /** Requests to the source at once, shared by all tables. */
  readers: FairLanes;
}

/** Documents wait so long at most for their batch to fill while pages come, in ms. */
const LATE = 500;

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
  readers: FairLanes,
): Promise<number> {
  const { config } = ctx;
  const copy: TableCopy = {
    ctx,
    table,
    counters,
    readers,
    parsers: createLanes(config["full.document.parser"]),
    writers: createLanes(config["full.document.concurrency"]),
    saver: createSaver(ctx, table, checkpoint),
  };
  const begun = ctx.role("source").units(table, checkpoint.state?.units);
  const left = begun
    .map((unit) => ({ unit, from: checkpoint.unit(unit) }))
    .filter(({ from }) => from === undefined || from.position !== undefined);
  const ends = await Promise.allSettled(
    left.map(({ unit, from }) =>
      copyUnit(copy, unit, from).catch((error: unknown) => {
        ctx.stop(error);
        throw error;
      }),
    ),
  );
  await copy.saver.flush();
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return checkCounts(copy);
}

/** One unit of work, from its first page to the acknowledgement of its last batch. */
async function copyUnit(copy: TableCopy, unit: SegmentUnit, from: UnitState | undefined): Promise<void> {
  const { ctx, table, counters } = copy;
  const { signal } = ctx;
  const batchSize = ctx.config["full.document.write.batch"];
  const writes = createWrites(copy, unit, from);
  const transcoder = shortWay(ctx, unit);
  // A hook that drops records of a batch drops them of one page, so that every page's count is known.
  const pageByPage = ctx.listens("write:before");
  let waiting: SourceRecord[] = [];
  let startedAt = performance.now();
  const pages = ctx.role("source").read(unit, {
    from: from?.position,
    signal,
    beforeRequest: async (request) => {
      await ctx.call("fetch:before", { phase: unit.phase, table, unit, request });
    },
  });

  /** Sends what is encoded, in full batches, while there are at least so many documents. */
  async function startEncoded(atLeast: number): Promise<void> {
    for (let count = transcoder?.count ?? 0; count >= atLeast; count = transcoder!.count) {
      startedAt = performance.now();
      await writes.startEncoded(transcoder!.take(Math.min(count, batchSize)));
    }
  }

  /** The same for records. */
  async function startRecords(atLeast: number): Promise<void> {
    while (waiting.length >= atLeast) {
      startedAt = performance.now();
      await writes.start(waiting.splice(0, batchSize));
    }
  }

  /** Takes a page to where its documents wait; documents leave in the order in which they came. */
  async function take(page: Page): Promise<void> {
    const encoded = transcoder?.append(page);
    const records = encoded === undefined ? await convertPage(copy, unit, page) : undefined;
    const read = encoded?.items ?? records!.read;
    const filtered = records === undefined ? 0 : records.read - records.records.length;
    const overflowed = (encoded ?? records)!.overflowed;
    counters.bytes += page.bytes;
    counters.read += read;
    counters.filtered += filtered;
    counters.overflowed += overflowed;
    if (records !== undefined) {
      await startEncoded(1);
      waiting = waiting.concat(records.records);
    } else {
      await startRecords(1);
    }
    const { position, bytes } = page;
    writes.page(read - filtered, { ...(position && { position }), read, filtered, overflowed, bytes });
  }

  try {
    for await (const page of readAhead(inLanes(pages, copy.readers, table.name))) {
      await copy.parsers.run(() => take(page));
      // A slow source doesn't fill a batch for long, and the position must not stay behind.
      const all = pageByPage || performance.now() - startedAt > LATE;
      await startRecords(all ? 1 : batchSize);
      await startEncoded(all ? 1 : batchSize);
      signal.throwIfAborted();
    }
    await startRecords(1);
    await startEncoded(1);
  } finally {
    await writes.settled();
  }
  writes.check();
}

/** The hooks that see records: with one of them in use, records have to be made. */
const RECORD_HOOKS = [
  "fetch:after",
  "convert:before",
  "convert:after",
  "write:before",
  "write:after",
] as const;

/** From the source's bytes to the target's without records between, where nobody wants to see them. */
function shortWay(ctx: Context, unit: SegmentUnit): Transcoder | undefined {
  if (ctx.role("target").writeEncoded === undefined || RECORD_HOOKS.some(ctx.listens)) return undefined;
  // Whoever gives a key another name gives it to the records too.
  if (keyAttributes(unit.table).some(({ targetName }) => targetName !== undefined)) return undefined;
  return ctx.role("convert").transcoder?.(unit);
}

/** The hooks around fetch and convert, and the conversion between them. */
async function convertPage(
  { ctx, table }: TableCopy,
  unit: SegmentUnit,
  page: Page,
): Promise<{ records: SourceRecord[]; read: number; overflowed: number }> {
  let { records } = page;
  // A hook may edit the array in place.
  const read = records.length;
  if (ctx.listens("fetch:after")) {
    const event = fetchAfterEvent(unit, records);
    await ctx.call("fetch:after", event);
    ({ records } = event);
  }
  records = await edited(ctx, "convert:before", unit, records);
  const { overflowed } = ctx.role("convert").convert(records, table);
  records = await edited(ctx, "convert:after", unit, records);
  return { records, read, overflowed };
}

/** Items read, less those filtered, must be written; what is written must be there. */
async function checkCounts({ ctx, table, counters }: TableCopy): Promise<number> {
  const expected = counters.read - counters.filtered;
  if (counters.written !== expected) {
    throw new MigrationError(
      "COUNT_MISMATCH",
      `${expected} items were to be written, ${counters.written} were acknowledged: table ${table.name}`,
      { hint: "start again; if it stays so, please report it" },
    );
  }
  const present = await ctx.role("target").count(table, ctx.signal);
  if (present < counters.written) {
    throw new MigrationError(
      "COUNT_MISMATCH",
      `${counters.written - present} of ${counters.written} documents are missing: table ${table.name}`,
      { hint: "see whether another program deletes there, then start again" },
    );
  }
  return present - counters.written;
}
