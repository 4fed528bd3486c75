/** A segment's writes by themselves: their order, and that nothing that is written stays in memory. */
import { expect, test } from "bun:test";
import { createSegmentWriter, type SegmentWriter } from "../../../core/full/segment-writer.ts";
import { createMemoryBudget } from "../../../core/flow/memory-budget.ts";
import { createSemaphore } from "../../../core/flow/semaphore.ts";
import { createProgress, type TableProgress, trackTable } from "../../../core/progress/progress.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Target } from "../../../core/plugin/roles.ts";
import type { EncodedBatch } from "../../../core/plugin/transcoder.ts";
import type { Batch, SegmentUnit, SourceRecord, Table } from "../../../core/types.ts";
import { memoryContext, memorySource, memoryTarget, testTable } from "../../fakes/context.ts";

const BATCHES = 100;

interface Opened {
  writer: SegmentWriter;
  ctx: Context;
  table: Table;
  unit: SegmentUnit;
  counters: TableProgress;
}

/** A segment's writer, with so many writes at once. */
async function segmentWriter(target: Target, lanes: number): Promise<Opened> {
  const table = testTable("pk");
  const ctx = await memoryContext(memorySource([]), target);
  const unit: SegmentUnit = { phase: "full", table, segment: 0, segments: 1 };
  const counters = trackTable(createProgress(), table);
  const writer = createSegmentWriter(
    {
      ctx,
      counters,
      writers: createSemaphore(lanes),
      persister: { moved() {}, flush: async () => {} },
      fail: async (error) => error,
    },
    unit,
    undefined,
    createMemoryBudget(() => 256 * 2 ** 20).unit("pages"),
  );
  return { writer, ctx, table, unit, counters };
}

test("encoded batches don't overtake records, nor the other way round", async () => {
  const order: string[] = [];
  const answers: (() => void)[] = [];
  const done = { inserted: 1, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
  const answer = (what: string): Promise<typeof done> => {
    order.push(what);
    return new Promise((resolve) => answers.push(() => resolve(done)));
  };
  const target = {
    ...memoryTarget(),
    write: ({ records }: Batch) => answer(String(records[0]!.keys["pk"]!.S)),
    writeEncoded: ({ ends }: EncodedBatch) => answer(`encoded ${ends[0]}`),
  };
  const { writer, unit } = await segmentWriter(target, 20);
  for (let i = 1; i <= 12; i++) {
    const keys = { pk: { S: String(i) } };
    const records: SourceRecord[] = [{ op: "put", event: "SCAN", keys, item: keys }];
    if (i % 4 === 0) {
      await writer.startEncoded({ unit, bytes: new Uint8Array(i), ends: [i], record: () => records[0]! });
    } else await writer.start(records, 1);
  }
  while (order.length < 12) await Bun.sleep(1);
  expect(order).toEqual(
    Array.from({ length: 12 }, (_, i) => ((i + 1) % 4 === 0 ? `encoded ${i + 1}` : `${i + 1}`)),
  );
  for (const each of answers) each();
  await writer.settled();
});

test("at debug level a batch has the bytes that it had before the target gave its memory back", async () => {
  const target: Target = {
    ...memoryTarget(),
    async writeEncoded({ bytes }) {
      (bytes.buffer as ArrayBuffer).transfer(0);
      return { inserted: 1, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
    },
  };
  const { writer, ctx, unit } = await segmentWriter(target, 1);
  const said: unknown[] = [];
  ctx.log.level = 4;
  ctx.log.setReporters([{ log: ({ args }) => void said.push(...args) }]);
  const record = (): never => {
    throw new Error("nobody asks for it");
  };
  await writer.startEncoded({ unit, bytes: new Uint8Array(77), ends: [77], record });
  await writer.settled();
  expect(said).toEqual([expect.stringContaining(", 77 bytes,")]);
});

test("the records of batches that are acknowledged can be collected while the segment goes on", async () => {
  const { writer, ctx, table, counters } = await segmentWriter(memoryTarget(), 4);
  const batches: WeakRef<SourceRecord[]>[] = [];
  for (let i = 0; i < BATCHES; i++) {
    const batch = Array.from({ length: 10 }, (_, n): SourceRecord => {
      const keys = { pk: { S: `${i} ${n}` } };
      return { op: "put", event: "SCAN", keys, item: keys };
    });
    ctx.role("convert").convert(batch, table);
    batches.push(new WeakRef(batch));
    writer.page(10, { read: 10, filtered: 0, overflowed: 0, bytes: 1 });
    await writer.start(batch, 1);
  }
  await writer.settled();
  const alive = (): number => batches.filter((each) => each.deref() !== undefined).length;
  for (let look = 0; look < 50 && alive() > BATCHES / 10; look++) {
    await Bun.sleep(10);
    Bun.gc(true);
  }
  expect(counters.written).toBe(10 * BATCHES);
  expect(alive()).toBeLessThanOrEqual(BATCHES / 10);
});
