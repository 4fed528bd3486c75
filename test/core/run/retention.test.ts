/** The warning of a full phase that takes longer than the streams keep their records. */
import { expect, test } from "bun:test";
import { createProgress, trackTable } from "../../../core/progress/progress.ts";
import { fullPhaseTakes } from "../../../core/run/retention.ts";

const HOUR = 3_600_000;
const keys = { partition: { name: "pk", type: "S" } } as const;

function progressOf({ items, written, resumed = 0 }: { items: number; written: number; resumed?: number }) {
  const progress = createProgress();
  const table = { name: "t", targetName: "t", keys, secondary: [], itemCount: items, sizeBytes: 0 };
  Object.assign(trackTable(progress, table), { state: "copying", written, read: written, resumed });
  return progress;
}

test("the full phase's length is told by what this run did, and by what is left", () => {
  const progress = progressOf({ items: 1_000_000, written: 100_000 });
  const after = (ms: number): number | undefined => fullPhaseTakes(progress, progress.startedAt + ms);
  expect(after(60_000)).toBeUndefined();
  expect(after(3 * HOUR)! / HOUR).toBeCloseTo(30);
});

test("what an earlier run had done is no rate of this one", () => {
  const progress = progressOf({ items: 1_000_000, written: 500_000, resumed: 400_000 });
  expect(fullPhaseTakes(progress, progress.startedAt + HOUR)! / HOUR).toBeCloseTo(6);
});

test("nothing is told of a phase that doesn't move", () => {
  const progress = progressOf({ items: 1_000_000, written: 0 });
  expect(fullPhaseTakes(progress, progress.startedAt + HOUR)).toBeUndefined();
});
