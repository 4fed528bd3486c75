/** The table at a run's end. */
import { expect, test } from "bun:test";
import { summaryTable } from "../../../bin/display/summary.ts";
import type { Progress } from "../../../core/progress/progress.ts";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";

const plain = { isTTY: false, now: () => 60_000 };

function progressOf(...tables: FakeTable[]): Progress {
  return fakeProgress(
    10_000,
    tables.map((table) => ({ state: "done", ...table })),
  );
}

const orders = {
  name: "orders",
  written: 50_000,
  bytes: 35_200_000,
  startedAt: 10_000,
  finishedAt: 12_500,
  indexes: 6,
  overflowed: 7,
};
const users = {
  name: "users",
  written: 1000,
  bytes: 70_000,
  startedAt: 11_000,
  finishedAt: 15_000,
  indexes: 2,
};

test("one table has no total row", () => {
  expect(summaryTable(progressOf(orders), plain)).toBe(
    [
      "+--------+--------+---------+---------+---------+---------+------------+",
      "| table  |  items |   bytes | seconds | items/s | indexes | overflowed |",
      "+--------+--------+---------+---------+---------+---------+------------+",
      "| orders | 50,000 | 35.2 MB |     2.5 |  20,000 |       6 |          7 |",
      "+--------+--------+---------+---------+---------+---------+------------+",
    ].join("\n"),
  );
});

test("several tables are added up, over the time they took side by side", () => {
  const cells = summaryTable(progressOf(orders, users), plain)
    .split("\n")
    .filter((line) => line.startsWith("| total"))
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  expect(cells).toEqual([["total", "51,000", "35.3 MB", "5.0", "10,200", "8", "7"]]);
});

test("rates are made of what this process did; where that is nothing there is none", () => {
  const rest = { ...orders, resumed: 40_000, resumedBytes: 30_000_000 };
  const before = { ...users, resumed: 1000, resumedBytes: 70_000 };
  const rows = summaryTable(progressOf(rest, before), plain)
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.map((cells) => [cells[1], cells[2], cells[5]])).toContainEqual(["orders", "50,000", "4,000"]);
  expect(rows.map((cells) => [cells[1], cells[2], cells[5]])).toContainEqual(["users", "1,000", "-"]);
  expect(rows.map((cells) => [cells[1], cells[2], cells[5]])).toContainEqual(["total", "51,000", "2,000"]);
});

test("filtered records have a column only when there are some", () => {
  expect(summaryTable(progressOf(orders), plain)).not.toContain("filtered");
  const text = summaryTable(progressOf(orders, { ...users, filtered: 1234 }), plain);
  expect(text).toContain("filtered");
  expect(text.match(/1,234/g)).toHaveLength(2);
});

test("a table that isn't done says so, and an instant one has no rate", () => {
  const text = summaryTable(
    progressOf(
      { ...users, state: "failed" },
      { name: "later", state: "waiting" },
      { ...users, name: "empty", finishedAt: 11_000 },
    ),
    plain,
  );
  expect(text).toContain("users (failed)");
  expect(text).toContain("later (waiting)");
  expect(text).toMatch(/empty .*\| +0\.0 \| +- \|/);
  expect(text).not.toMatch(/NaN|Infinity/);
});

test("long names are wrapped in their cell, a narrow terminal gets a list", () => {
  const name = `orders.${"x".repeat(100)}.last`;
  for (const width of [80, 100]) {
    const lines = summaryTable(progressOf({ ...orders, name }, users), { ...plain, width }).split("\n");
    for (const line of lines) expect(line.length).toBe(width);
    const cells = lines.filter((line) => line.startsWith("|")).map((line) => line.split("|")[1]?.trim());
    expect(cells.join("")).toBe(`table${name}userstotal`);
  }
  const list = summaryTable(progressOf(orders), { ...plain, width: 40 });
  expect(list).toBe(
    "orders\n  items: 50,000\n  bytes: 35.2 MB\n  seconds: 2.5\n  items/s: 20,000\n  indexes: 6\n  overflowed: 7",
  );
});

test("a terminal gets lines drawn, anything else ASCII without colours", () => {
  expect(summaryTable(progressOf(orders), { isTTY: true, width: 100, now: plain.now })).toContain("│");
  // oxlint-disable-next-line no-control-regex
  expect(summaryTable(progressOf(orders, users), plain)).toMatch(/^[\x20-\x7e\n]+$/);
});

test("no tables give a table without rows", () => {
  expect(summaryTable(progressOf(), plain)).toContain("| table |");
});
