/** The full phase of one table: its segments are fetched, converted and written, then counted. */
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { fetchAfterEvent, type RecordsEvent } from "./hooks.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import { readAhead } from "./read-ahead.ts";
import type { TableProgress } from "./progress.ts";
import type { EncodedBatch, Page, SourceRecord, Table, Transcoder, Unit, WriteResult } from "./types.ts";

/** What the units of one table share. */
interface TableCopy {
  ctx: Context;
  table: Table;
  counters: TableProgress;
  /** `full.document.parser` conversions at once. */
  parsers: Lanes;
  /** `full.document.concurrency` writes at once. */
  writers: Lanes;
}

/**
 * Copies a table's items and checks that all of them arrived.
 *
 * @param counters is kept up to date
 * @returns the documents present at the target that were not written here
 * @throws MigrationError COUNT_MISMATCH when documents are missing
 */
export async function copyTable(ctx: Context, table: Table, counters: TableProgress): Promise<number> {
  const { config } = ctx;
  const copy: TableCopy = {
    ctx,
    table,
    counters,
    parsers: createLanes(config["full.document.parser"]),
    writers: createLanes(config["full.document.concurrency"]),
  };
  const units = ctx.role("source").units(table);
  const ends = await Promise.allSettled(
    units.map((unit) =>
      copyUnit(copy, unit).catch((error: unknown) => {
        ctx.stop(error);
        throw error;
      }),
    ),
  );
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return checkCounts(copy);
}

/** One unit of work, from its first page to the acknowledgement of its last batch. */
async function copyUnit(copy: TableCopy, unit: Unit): Promise<void> {
  const { ctx, table, counters } = copy;
  const { signal } = ctx;
  const batchSize = ctx.config["full.document.write.batch"];
  const writes = createWrites(copy, unit);
  const transcoder = shortWay(ctx, unit);
  let waiting: SourceRecord[] = [];
  const pages = ctx.role("source").read(unit, {
    from: undefined,
    signal,
    beforeRequest: async (request) => {
      await ctx.call("fetch:before", { phase: unit.phase, table, unit, request });
    },
  });

  /** Sends what is encoded, in full batches, while there are at least so many documents. */
  async function startEncoded(atLeast: number): Promise<void> {
    for (let count = transcoder?.count ?? 0; count >= atLeast; count = transcoder!.count) {
      await writes.startEncoded(transcoder!.take(Math.min(count, batchSize)));
    }
  }

  try {
    for await (const page of readAhead(pages)) {
      counters.bytes += page.bytes;
      await copy.parsers.run(async () => {
        const encoded = transcoder?.append(page);
        counters.read += encoded?.items ?? page.records.length;
        counters.overflowed += encoded?.overflowed ?? 0;
        if (encoded === undefined) waiting = waiting.concat(await convertPage(copy, unit, page));
      });
      while (waiting.length >= batchSize) await writes.start(waiting.splice(0, batchSize));
      await startEncoded(batchSize);
      signal.throwIfAborted();
    }
    if (waiting.length > 0) await writes.start(waiting);
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
function shortWay(ctx: Context, unit: Unit): Transcoder | undefined {
  if (ctx.role("target").writeEncoded === undefined || RECORD_HOOKS.some(ctx.listens)) return undefined;
  return ctx.role("convert").transcoder?.(unit);
}

/** The hooks around fetch and convert, and the conversion between them. */
async function convertPage(copy: TableCopy, unit: Unit, page: Page): Promise<SourceRecord[]> {
  const { ctx, table, counters } = copy;
  let { records } = page;
  // A hook may edit the array in place.
  const read = records.length;
  if (ctx.listens("fetch:after")) {
    const event = fetchAfterEvent(unit, records);
    await ctx.call("fetch:after", event);
    ({ records } = event);
  }
  records = await edited(ctx, "convert:before", unit, records);
  counters.overflowed += ctx.role("convert").convert(records, table).overflowed;
  records = await edited(ctx, "convert:after", unit, records);
  counters.filtered += read - records.length;
  return records;
}

/** The records as a hook leaves them. */
async function edited(
  ctx: Context,
  name: "convert:before" | "convert:after" | "write:before",
  unit: Unit,
  records: SourceRecord[],
): Promise<SourceRecord[]> {
  if (!ctx.listens(name)) return records;
  const event: RecordsEvent = { phase: unit.phase, table: unit.table, unit, records };
  await ctx.call(name, event);
  return event.records;
}

/** One unit's writes on their way. */
interface Writes {
  /** Waits for a free lane, then sends without waiting for the answer. */
  start(records: SourceRecord[]): Promise<void>;
  /** The same for documents encoded already. */
  startEncoded(batch: EncodedBatch): Promise<void>;
  /** Waits until none is on its way. */
  settled(): Promise<void>;
  /** Throws the first failure, if any. */
  check(): void;
}

function createWrites(copy: TableCopy, unit: Unit): Writes {
  const { ctx, counters, table } = copy;
  const target = ctx.role("target");
  const onTheWay = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;

  async function write(batch: SourceRecord[]): Promise<void> {
    const before = batch.length;
    const records = await edited(ctx, "write:before", unit, batch);
    counters.filtered += before - records.length;
    if (records.length === 0) return;
    const result = await target.write({ unit, records }, ctx.signal);
    count(result);
    if (!ctx.listens("write:after")) return;
    await ctx.call("write:after", { phase: unit.phase, table, unit, records, result });
  }

  function count({ inserted, replaced, duplicates }: WriteResult): void {
    counters.written += inserted + replaced + duplicates;
  }

  async function launch(work: () => Promise<void>): Promise<void> {
    const leave = await copy.writers.enter();
    if (failure !== undefined) {
      leave();
      throw failure.error;
    }
    const writing = work()
      .catch((error: unknown) => {
        failure ??= { error };
        // The source may be waiting for long: it must not go on until its next page.
        ctx.stop(error);
      })
      .finally(() => {
        leave();
        onTheWay.delete(writing);
      });
    onTheWay.add(writing);
  }

  function check(): void {
    if (failure !== undefined) throw failure.error;
  }

  return {
    start: (batch) => launch(() => write(batch)),
    startEncoded: (batch) => launch(async () => count(await target.writeEncoded!(batch, ctx.signal))),
    settled: async () => {
      await Promise.all(onTheWay);
    },
    check,
  };
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
