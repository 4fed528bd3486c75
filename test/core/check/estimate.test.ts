/** What the full phase is said to take. */
import { describe, expect, test } from "bun:test";
import { estimateAll, estimateTable, largerLimit, type TableSize } from "../../../core/check/estimate.ts";
import { testConfig } from "../../fakes/context.ts";

const size = (more: Partial<TableSize>): TableSize => ({
  name: "t",
  items: 0,
  bytes: 0,
  segments: 1,
  billing: "on demand",
  readCapacity: null,
  ...more,
});
const pace = (settings: Record<string, string> = {}, roundTrip?: number) => ({
  config: testConfig({ "qps.full.batch_num": "128", ...settings }),
  roundTrip,
  cores: 2,
});

describe("one table", () => {
  test.each<[string, Partial<TableSize>, Record<string, string>, { pages: number; readUnits: number }]>([
    ["is empty: a request for each segment", { segments: 4 }, {}, { pages: 4, readUnits: 0 }],
    ["fits into a page", { items: 10, bytes: 2000 }, {}, { pages: 1, readUnits: 0.5 }],
    [
      "read consistently",
      { items: 10, bytes: 2000 },
      { "full.read.consistent": "true" },
      { pages: 1, readUnits: 1 },
    ],
    // 128 items of 200 bytes are 25,600: 7 units of 4 KB; the rest of 8,800 takes 3.
    [
      "in pages of 128 items",
      { items: 300, bytes: 60_000 },
      { "full.read.consistent": "true" },
      { pages: 3, readUnits: 17 },
    ],
    [
      "in pages of as many as the service gives",
      { items: 1_000_000, bytes: 100 * 1024 ** 2 },
      { "qps.full.batch_num": "" },
      { pages: 100, readUnits: 12_800 },
    ],
    [
      "in pages of 1 MB",
      { items: 1024, bytes: 100 * 1024 ** 2 },
      { "qps.full.batch_num": "128" },
      { pages: 100, readUnits: 12_800 },
    ],
  ])("%s", (_, table, settings, expected) => {
    const { pages, readUnits } = estimateTable(size(table), pace(settings));
    expect({ pages, readUnits }).toEqual({ ...expected, readUnits: Math.ceil(expected.readUnits) });
  });
});

describe("how long all tables take at least", () => {
  const large = { items: 1_280_000, bytes: 1_280_000 * 100 };

  test.each<[string, TableSize[], ReturnType<typeof pace>, number, string | null]>([
    ["nothing", [], pace(), 0, null],
    ["by qps.full", [size(large)], pace({ "qps.full": "100" }), 100, "qps.full = 100"],
    // 10,000 pages of 12,800 bytes: 4 units each, half of it eventually consistent.
    [
      "by full.read.capacity",
      [size(large)],
      pace({ "full.read.capacity": "100" }),
      200,
      "full.read.capacity = 100",
    ],
    [
      "by what the table has been provisioned",
      [size({ ...large, billing: "provisioned", readCapacity: 50 })],
      pace(),
      400,
      "the tables' provisioned read capacity",
    ],
    [
      "by the way there and back, a segment's pages one after the other",
      [size(large)],
      pace({}, 20),
      200,
      "the 20 ms that one request takes",
    ],
    [
      "and segments side by side",
      [size({ ...large, segments: 4 })],
      pace({ "full.read.concurrency": "4" }, 20),
      50,
      "the 20 ms that one request takes",
    ],
    [
      "tables side by side, so many as full.concurrency says",
      [1, 2, 3, 4].map((n) => size({ ...large, name: `t${n}` })),
      pace({ "full.read.capacity": "100", "full.concurrency": "2" }),
      400,
      "full.read.capacity = 100",
    ],
  ])("%s", (_, tables, at, seconds, limitedBy) => {
    expect(estimateAll(tables, at)).toMatchObject({ seconds, limitedBy });
  });
});

test("the cost is told apart by how it is paid", () => {
  const tables = [
    size({ items: 1e7, bytes: 1e10 }),
    size({ items: 1000, bytes: 4096 * 1000, billing: "provisioned", readCapacity: 10 }),
    size({ items: 1000, bytes: 4096 * 1000, billing: null }),
  ];
  expect(estimateAll(tables, pace({ "full.read.consistent": "true" })).cost).toBe(
    "about 2.5 million read request units, on demand; about 1 thousand read units of provisioned capacity, which is paid for anyway; about 1 thousand read units",
  );
});

test.each<[number, number, number | undefined]>([
  [100, 128, 10_000],
  [500, 128, 2000],
  [5000, 128, undefined],
  [5000, 50, 200],
])("pages of %d-byte items, %d asked for: %p would fill one", (bytes, limit, better) => {
  expect(largerLimit({ items: 1000, bytes: 1000 * bytes }, limit)).toBe(better!);
});
