/** Where the time of segments goes: what waits counts where it waits. */
import { afterEach, expect, spyOn, test } from "bun:test";
import { inStageTime, startLaps, type Timed } from "../../../core/progress/stage-times.ts";
import { memorySource, memoryTarget, numbered, page } from "../../fakes/context.ts";
import { copied, TABLE } from "../../fakes/copying.ts";

let clock = 0;
let now: { mockRestore(): void } | undefined;
const useClock = (): void => void (now = spyOn(performance, "now").mockImplementation(() => clock));
afterEach(() => now?.mockRestore());

test("a lap is what has passed since the one before, and laps of several are added up", () => {
  useClock();
  const table: Timed = {};
  const lap = startLaps(table);
  const other = startLaps(table);
  clock += 5;
  lap("fetchMs");
  clock += 2;
  lap("convertMs");
  other("fetchMs");
  clock += 30;
  lap("writeMs");
  expect(table.times).toEqual({ fetchMs: 12, convertMs: 2, writeMs: 30 });
});

test("what fails has taken its time too", async () => {
  useClock();
  const stream: Timed = {};
  const work = inStageTime(stream, "writeMs", async () => {
    clock += 7;
    throw new Error("no");
  });
  await expect(work).rejects.toThrow("no");
  expect(stream.times).toEqual({ fetchMs: 0, convertMs: 0, writeMs: 7 });
});

test.each([
  ["the source", 20, 0, "fetchMs", "writeMs"],
  ["the target", 0, 20, "writeMs", "fetchMs"],
] as const)("a segment that waits for %s says so", async (_who, reading, writing, more, less) => {
  const source = memorySource([
    async function* () {
      for (let at = 0; at < 6; at++) {
        if (reading > 0) await Bun.sleep(reading);
        yield page(numbered(TABLE, at, at + 1));
      }
    },
  ]);
  const target = memoryTarget(async () => (writing > 0 ? Bun.sleep(writing) : undefined));
  const one = { "full.document.concurrency": "1", "full.document.write.batch": "1" };
  const { surplus, counters } = await copied(source, target, one);
  await surplus;
  expect(counters.times![more]).toBeGreaterThan(2 * counters.times![less]);
});
