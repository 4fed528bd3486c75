/** A segment's writes by themselves: nothing that is written stays in memory. */
import { expect, test } from "bun:test";
import { createSegmentWriter } from "../../../core/full/segment-writer.ts";
import { createMemoryBudget } from "../../../core/flow/memory-budget.ts";
import { createSemaphore } from "../../../core/flow/semaphore.ts";
import { createProgress, trackTable } from "../../../core/progress/progress.ts";
import type { SegmentUnit, SourceRecord } from "../../../core/types.ts";
import { memoryContext, memorySource, memoryTarget, testTable } from "../../fakes/context.ts";

const BATCHES = 100;

test("the records of batches that are acknowledged can be collected while the segment goes on", async () => {
  const table = testTable("pk");
  const ctx = await memoryContext(memorySource([]), memoryTarget());
  const unit: SegmentUnit = { phase: "full", table, segment: 0, segments: 1 };
  const counters = trackTable(createProgress(), table);
  const writer = createSegmentWriter(
    {
      ctx,
      counters,
      writers: createSemaphore(4),
      persister: { moved() {}, flush: async () => {} },
      fail: async (error) => error,
    },
    unit,
    undefined,
    createMemoryBudget().unit("pages"),
  );
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
