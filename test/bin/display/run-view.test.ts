/** What is shown before the first table, and that the display follows the run's phase. */
import { expect, test } from "bun:test";
import { runView } from "../../../bin/display/run-view.ts";
import { createProgress, type Progress } from "../../../core/progress/progress.ts";
import { createStreamProgress } from "../../../core/progress/stream-progress.ts";
import { fakeTable } from "../../fakes/progress.ts";

const START = 1_000_000;
const MINUTE = 60_000;
const size = { columns: 100, rows: 10 };
const places = { source: "AWS, us-east-2", target: "mongodb://db, database shop" };

function starting(): Progress {
  return { ...createProgress(), startedAt: START };
}

test("whom it connects to, and since when, until all is prepared", () => {
  const progress = starting();
  const view = runView(progress, places);
  expect(view.frame(START, size)).toEqual(["connecting to the source: AWS, us-east-2"]);
  expect(view.frame(START + 4000, size)).toEqual(["connecting to the source: AWS, us-east-2 (4s)"]);
  expect(view.lines(START + 10_000)).toEqual(["connecting to the source: AWS, us-east-2 (10s)"]);
  for (const line of view.frame(START, { columns: 20, rows: 3 })) expect(line.length).toBeLessThan(20);
  progress.tables.set("t", fakeTable({ name: "t" }));
  const [line, total] = view.frame(START, size);
  expect(line).toBe("preparing the target: mongodb://db, database shop");
  expect(total).toStartWith("total 0/1");
  progress.phase = "full";
  expect(view.frame(START, size)).toHaveLength(1);
});

test("where only streams are followed they are shown when that begins, off a terminal once a minute", () => {
  const progress = starting();
  const view = runView(progress, places);
  const stream = createStreamProgress();
  progress.tables.set("t", fakeTable({ name: "t", state: "following", stream }));
  progress.phase = "incr";
  expect(view.frame(START, size)[0]).toMatch(/^t +no open shard/);
  expect(view.lines(START)).toEqual([]);
  stream.written = 600;
  expect(view.lines(START + 10_000)).toEqual([]);
  const lines = view.lines(START + MINUTE);
  expect(lines[0]).toStartWith("  t: no open shard, 10 records/s, 600 records applied");
  expect(lines[1]).toStartWith("not a good moment to switch over: t");
  expect(view.lines(START + MINUTE + 10_000)).toEqual([]);
});
