/** Bars and lines, on a terminal and where there is none. */
import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { createLog } from "../../../bin/log/log.ts";
import {
  type ProgressDisplay,
  fullView,
  type ShowOptions,
  showProgress,
} from "../../../bin/display/terminal.ts";
import { createProgress, type Progress, type TableProgress } from "../../../core/progress/progress.ts";
import { fakeTable } from "../../fakes/progress.ts";
import { fakeTerminal } from "../../fakes/terminal.ts";

const START = 1_000_000;
const { TERM, CI } = process.env;
let clock = START;
let display: ProgressDisplay | undefined;

beforeEach(() => {
  clock = START;
  process.env["TERM"] = "xterm";
  delete process.env["CI"];
  jest.useFakeTimers();
});

afterEach(() => {
  display?.stop();
  jest.useRealTimers();
  for (const [name, value] of Object.entries({ TERM, CI })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

function table(name: string, more: Partial<TableProgress> = {}): TableProgress {
  return fakeTable({ name, state: "copying", startedAt: START, itemCount: 1000, ...more });
}

function progressOf(...tables: TableProgress[]): Progress {
  // the very objects, so that a test can go on counting
  return {
    ...createProgress(),
    startedAt: START,
    tables: new Map(tables.map((each) => [each.name, each])),
  };
}

function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    clock += 100;
    jest.advanceTimersByTime(100);
  }
}

function show(progress: Progress, options: Partial<ShowOptions> = {}) {
  const terminal = fakeTerminal();
  const info: string[] = [];
  const log = { info: (message: string) => void info.push(message) };
  display = showProgress(fullView(progress), { stream: terminal, log, now: () => clock, ...options });
  return { terminal, info };
}

describe("on a terminal", () => {
  test("every running table has a bar, the others only count", () => {
    const orders = table("orders", { itemCount: 20_000 });
    const progress = progressOf(
      table("done", { state: "done", written: 1000 }),
      orders,
      table("users", { state: "indexing", written: 1000 }),
      table("later", { state: "waiting" }),
    );
    const { terminal } = show(progress);
    orders.written = 4000;
    orders.filtered = 1000;
    orders.bytes = 7_000_000;
    pass(1000);
    expect(terminal.lines()).toEqual([
      expect.stringMatching(/^orders +█+░+ ~25% +5,000 items +5K\/s 7\.0 MB\/s +ETA 3s$/),
      expect.stringMatching(/^users +█+ building indexes$/),
      expect.stringMatching(/^total 1\/4, 1 waiting █+░+ ~25% +7,000 items +5K\/s 7\.0 MB\/s +ETA 3s$/),
    ]);
  });

  test("rates are the last seconds', not the whole run's", () => {
    const orders = table("orders", { itemCount: 1_000_000 });
    const { terminal } = show(progressOf(orders));
    for (let second = 0; second < 20; second++) {
      orders.written += second < 10 ? 1000 : 3000;
      pass(1000);
    }
    expect(terminal.lines()[0]).toContain(" 3K/s ");
    expect(terminal.lines()[0]).toContain("ETA 5m 20s");
  });

  test.each([
    ["never above 99 % while copying", { written: 1000 }, /orders +█+ ~99%/],
    ["no percent when nothing is known", { itemCount: 0, written: 5 }, /orders +╌+ +5 items/],
    ["no percent when there are more than expected", { written: 1001 }, /orders +╌+ +1,001 items/],
    [
      "nor when indexes are built after that",
      { written: 1001, state: "indexing" as const },
      /orders +█+ building indexes/,
    ],
  ])("%s", (_, counters, expected) => {
    const orders = table("orders");
    const { terminal } = show(progressOf(orders));
    Object.assign(orders, counters);
    pass(1000);
    expect(terminal.lines()[0]).toMatch(expected);
    expect(terminal.lines().join("\n")).not.toMatch(/100%|ETA|NaN|Infinity/);
  });

  test("100 % of the total is there only when every table is done", () => {
    const [first, second] = [table("a", { written: 1000, state: "done" }), table("b", { written: 1000 })];
    const { terminal } = show(progressOf(first, second));
    expect(terminal.lines().join("\n")).not.toContain("100%");
    second.state = "done";
    pass(200);
    expect(terminal.lines()).toEqual([expect.stringMatching(/^total 2\/2 █+ 100%/)]);
  });

  test.each([20, 40, 60, 80, 120, 200])("no line reaches the last of %d columns", (columns) => {
    const stream = fakeTerminal(columns);
    const long = table("a.very-long_table.name-that-goes-on-and-on", { itemCount: 9_999_999, bytes: 1e9 });
    show(progressOf(long, table("short")), { stream });
    long.written = 1_234_567;
    pass(1000);
    expect(stream.lines()).toHaveLength(3);
    for (const line of stream.lines()) expect(line.length).toBeLessThan(columns);
    expect(stream.lines()[0]).toContain("~12%");
  });

  test("names that begin alike stay apart", () => {
    const start = "production.eu-west-1.customer-events.";
    const { terminal } = show(progressOf(table(`${start}archive`), table(`${start}current`)));
    expect(terminal.lines()[0]).toMatch(/^prod\S*….*archive /);
    expect(terminal.lines()[1]).toMatch(/^prod\S*….*current /);
  });

  test("a terminal made narrower keeps no remains of the wider bars", () => {
    const stream = fakeTerminal(120);
    const log = createLog({ level: "info", buffer: true, stream }).log;
    show(progressOf(table("orders"), table("users")), { stream });
    log.info("first");
    pass(1000);
    stream.narrow(50);
    log.info("second");
    stream.narrow(30);
    pass(1000);
    const text = stream.lines();
    expect(text.filter((line) => /[█░╌]/.test(line))).toEqual(text.slice(-3));
    expect(
      text
        .join("\n")
        .match(/first|second|orders|users|total/g)
        ?.join(" "),
    ).toBe("first second orders users total");
  });

  test("more tables than rows are only counted", () => {
    const stream = fakeTerminal(80, 8);
    show(progressOf(...Array.from({ length: 20 }, (_, at) => table(`t${at}`))), { stream });
    pass(1000);
    expect(stream.lines()).toHaveLength(7);
    expect(stream.lines()[5]).toBe("… and 15 more");
    expect(stream.lines()[6]).toStartWith("total 0/20");
  });

  test("log lines go above the bars, and stay when these are cleared", () => {
    const orders = table("orders");
    const { terminal } = show(progressOf(orders, table("users")));
    const { log } = createLog({ level: "info", buffer: true, stream: terminal });
    for (let count = 0; count < 30; count++) {
      orders.written += 10;
      log.info(`line ${count} ${"x".repeat(count * 5)}`);
      if (count % 3 === 0) pass(200);
    }
    const bars = terminal.lines().slice(-3);
    expect(bars.map((line) => line.split(" ")[0])).toEqual(["orders", "users", "total"]);
    expect(terminal.lines().filter((line) => /[█░╌]/.test(line))).toEqual(bars);
    display?.stop();
    expect(terminal.lines().join("\n")).not.toMatch(/[█░╌]/);
    expect(
      [
        ...terminal
          .lines()
          .join("\n")
          .matchAll(/line (\d+)/g),
      ].map(([, at]) => Number(at)),
    ).toEqual(Array.from({ length: 30 }, (_, at) => at));
  });

  test("nothing is drawn before the tables are known, nor after the end", () => {
    const progress = progressOf();
    const { terminal } = show(progress);
    pass(1000);
    expect(terminal.raw()).toBe("");
    progress.tables.set("orders", table("orders"));
    pass(200);
    expect(terminal.lines()).toHaveLength(2);
    display?.stop();
    display?.stop();
    const { log } = createLog({ level: "info", buffer: true, stream: terminal });
    log.info("after");
    pass(1000);
    expect(terminal.lines()).toEqual([expect.stringContaining("after")]);
  });
});

test("an end before the first bar gives the terminal back to the log", () => {
  const { terminal } = show(progressOf());
  display?.stop();
  const { log } = createLog({ level: "info", buffer: true, stream: terminal });
  terminal.write = jest.fn();
  log.info("after");
  expect(terminal.write).toHaveBeenCalledWith(expect.not.stringContaining("\r"));
});

describe("off a terminal", () => {
  test("lines are logged every 10 s", () => {
    const orders = table("orders", { itemCount: 100_000 });
    const progress = progressOf(
      table("done", { state: "done", written: 1000 }),
      orders,
      table("users", { state: "indexing", written: 1000 }),
      table("later", { state: "waiting" }),
    );
    const { terminal, info } = show(progress, { isTTY: false });
    orders.written = 50_000;
    orders.bytes = 35_000_000;
    pass(9900);
    expect(info).toEqual([]);
    pass(100);
    expect(info).toEqual([
      "progress: 1 of 4 tables done, 1 waiting, ~50%, 52,000 items, 5,000 items/s, 3.5 MB/s, ETA 10s",
      "  orders: ~50%, 50,000 of about 100,000 items, 5,000 items/s, 3.5 MB/s, ETA 10s",
      "  users: building indexes, 1,000 of about 1,000 items",
    ]);
    pass(10_000);
    expect(info).toHaveLength(6);
    expect(info[4]).toBe("  orders: ~50%, 50,000 of about 100,000 items, waiting 10s");
    display?.stop();
    pass(30_000);
    expect(info).toHaveLength(6);
    expect(terminal.raw()).toBe("");
  });

  test.each([
    ["a pipe", {}, false],
    ["a dumb terminal", { TERM: "dumb" }, true],
    ["a CI job", { CI: "true" }, true],
  ])("%s is no place for bars", (_, environment, isTTY) => {
    Object.assign(process.env, environment);
    const stream = { ...fakeTerminal(), isTTY };
    const { info } = show(progressOf(table("orders")), { stream });
    pass(10_000);
    expect(stream.raw()).toBe("");
    expect(info).toHaveLength(2);
  });
});
