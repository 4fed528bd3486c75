/** What programs get instead of bars and tables, and what a log file gets beside them. */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { displayOptions, programView, summaryObjects, verdictObjects } from "../../../bin/display/objects.ts";
import { showProgress } from "../../../bin/display/terminal.ts";
import { createLog } from "../../../bin/log/log.ts";
import { createProgress, trackTable } from "../../../core/progress/progress.ts";
import type { RunIdentity } from "../../../core/progress/run-status.ts";
import type { Compared } from "../../../core/verify/report.ts";
import { testTable } from "../../fakes/context.ts";

const IDENTITY: RunIdentity = {
  id: "x",
  version: "1",
  syncMode: "all",
  source: "s",
  target: "t",
  checkpoint: "c",
  pid: 1,
  host: "h",
};

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function running() {
  const progress = createProgress();
  const table = (name: string) => trackTable(progress, testTable("pk", undefined, { name, itemCount: 10 }));
  Object.assign(table("orders"), { state: "copying", read: 5, written: 4, startedAt: 1000 });
  Object.assign(table("done"), {
    state: "done",
    read: 9,
    written: 7,
    filtered: 2,
    skipped: 1,
    startedAt: 1000,
    finishedAt: 3500,
  });
  table("waiting");
  return progress;
}

test("progress is an object for the run, and one for each table that is worked on", () => {
  expect(programView(IDENTITY, running()).lines(2000)).toMatchObject([
    { message: "progress", phase: "starting", switchOver: { good: false } },
    { message: "progress of a table", table: "orders", state: "copying", read: 5, written: 4 },
  ]);
});

test("the summary has an object for every table", () => {
  expect(summaryObjects(running(), 5000)).toMatchObject([
    { table: "orders", written: 4, seconds: 4 },
    { table: "done", written: 7, seconds: 2.5, filtered: 1, skipped: 1 },
    { table: "waiting", seconds: 0 },
  ]);
});

test("a comparison has an object for each table and first difference, and one for all", () => {
  const counts: Compared = {
    compared: 2,
    equal: 1,
    different: 1,
    missing: 0,
    extra: 0,
    settled: 0,
    expired: 0,
    undecided: 0,
    others: 0,
    repaired: 0,
  };
  const verdict = {
    tables: new Map([["orders", counts]]),
    isDifferent: true,
    faults: 1,
    first: [{ table: "orders", key: { pk: { S: "a" } }, kind: "different" as const, path: "n" }],
    path: "x-diff.jsonl",
  };
  expect(verdictObjects(verdict)).toMatchObject([
    { message: "comparison of a table", table: "orders", different: 1 },
    { message: "difference", table: "orders", kind: "different", path: "n" },
    { message: "comparison", isEqual: false, differences: 1, file: "x-diff.jsonl" },
  ]);
});

test("a log file gets lines beside the bars; without one there are only bars", () => {
  for (const linesToo of [true, false]) {
    const lines: unknown[] = [];
    const stream = { isTTY: true, columns: 80, rows: 24, write: () => true, on() {}, off() {} };
    const view = { frame: () => ["bar"], lines: () => ["line"], interval: 1000 };
    const log = { info: (line: unknown) => void lines.push(line) };
    const display = showProgress(view, { stream, isTTY: true, log, linesToo });
    jest.advanceTimersByTime(2500);
    display.stop();
    jest.advanceTimersByTime(5000);
    expect(lines).toEqual(linesToo ? ["line", "line"] : []);
  }
});

test("where lines are objects there are no bars", () => {
  const stream = { write: () => true };
  const options = (format: "text" | "json") =>
    displayOptions(createLog({ level: "none", format, buffer: false, stream }));
  expect(options("json")).toMatchObject({ isTTY: false });
  expect(options("text")).not.toHaveProperty("isTTY");
});
