/** How a plan looks. */
import { expect, test } from "bun:test";
import type { Plan, TablePlan } from "../../../core/check/plan.ts";
import { planText } from "../../../bin/display/plan.ts";

const table = (n: number, more: Partial<TablePlan> = {}): TablePlan => ({
  name: `table-${n}`,
  targetName: `table-${n}`,
  items: 1000 * n,
  bytes: 1_000_000 * n,
  key: "pk S",
  expiry: { attribute: null },
  stream: { state: "to be enabled", view: null },
  billing: null,
  readCapacity: null,
  segments: 4,
  indexes: [{ name: "pk_1", unique: true, origin: "primary" }],
  action: "copy",
  left: { items: 1000 * n, bytes: 1_000_000 * n },
  followsFrom: null,
  existing: "nothing is there",
  estimate: { pages: 1, pageBytes: 1, readUnits: 1, seconds: 1 },
  profile: null,
  ...more,
});

const plan = (more: Partial<Plan> = {}): Plan => ({
  id: "shop",
  syncMode: "all",
  convertType: "change",
  memoryLimit: 256 * 2 ** 20,
  source: { place: "AWS, us-east-2", region: "us-east-2", account: "123456789012", reached: true },
  target: {
    type: "mongodb",
    place: "mongodb://db, database shop",
    product: "MongoDB",
    version: "7.0.4",
    kind: "replica set rs0",
    reached: true,
  },
  checkpoint: {
    place: "database shop-checkpoint-state",
    reached: true,
    run: null,
    lease: null,
    process: null,
  },
  start: { does: "copy", refused: false, text: "begins anew: copies 1 table" },
  tables: [table(1)],
  estimate: {
    items: 1000,
    bytes: 1e6,
    pages: 8,
    readUnits: 250,
    writeBytes: 1e6,
    consistent: true,
    cost: "about 250 read units",
    seconds: 90,
    limitedBy: "qps.full = 1",
    roundTrip: null,
  },
  rights: [],
  warnings: [],
  problems: [],
  ...more,
});

test("says from where to where, what a start does, and what it takes", () => {
  const text = planText(plan());
  for (const part of [
    "source      AWS, us-east-2, account 123456789012",
    "target      mongodb://db, database shop: MongoDB 7.0.4, replica set rs0",
    "checkpoint  database shop-checkpoint-state: nothing of an earlier run; nobody has the lease",
    "memory      256 MB at most of what is read and not written yet (memory.limit)",
    "a start     begins anew: copies 1 table",
    "| table-1 | 1,000 |  1 MB | pk S | to be enabled |        4 | copies it |",
    "  table-1: pk_1 (unique)",
    "about 250 read units (consistent reads, which cost twice)",
    "at least 1m 30s, by qps.full = 1",
    "no problem was found",
  ])
    expect(text).toContain(part);
});

test("of 500 tables, 300 warnings and 100 alike problems the first are shown, and how many more there are", () => {
  const problem = { code: "SOURCE_DENIED", hint: "allow it", refuses: false } as const;
  const text = planText(
    plan({
      tables: Array.from({ length: 500 }, (_, n) => table(n)),
      warnings: Array.from({ length: 300 }, (_, n) => `warning ${n}`),
      problems: Array.from({ length: 100 }, (_, n) => ({ ...problem, message: `denied: table t${n}` })),
    }),
  );
  expect(text.split("\n").length).toBeLessThan(130);
  expect(text).toContain("table-499");
  expect(text).toContain("and 475 more tables with 112,575,000 items, 113 GB");
  expect(text).toContain("and 260 more, see --json");
  expect(text).toContain("PROBLEMS (100)");
  expect(text).toContain("  and 97 more like that\n    hint: allow it");
});

test.each([80, 120])("no line is wider than %d columns, but for words that are", (width) => {
  const warnings = [`${"some words ".repeat(40)}end`];
  const right = { action: "dynamodb:Scan", on: ["a".repeat(60), "b", "c", "d"], purpose: "read the items" };
  const text = planText(
    plan({ warnings, rights: [{ ...right, state: "missing", isNeeded: true, side: "source" }] }),
    { width },
  );
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
  expect(text).toContain("NOT GRANTED dynamodb:Scan");
  expect(text.replaceAll(/\s+/g, " ")).toContain("c and 1 more, to read the items");
});

test("a name that is longer than a line has one of its own, and what follows is broken and indented as before", () => {
  const name = `a-table-${"x".repeat(60)}`;
  const right = {
    action: "dynamodb:UpdateTable",
    on: [name, "orders"],
    purpose: "enable the streams: it can't be tried",
  };
  const text = planText(plan({ rights: [{ ...right, state: "untested", isNeeded: true, side: "source" }] }), {
    width: 60,
  });
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`    ${name}`));
  expect(at).toBeGreaterThan(0);
  expect(lines.filter((line) => line.length > 60 && !line.includes(name))).toEqual([]);
  expect(lines[at + 1]).toStartWith("    ");
});

test("names of others say nothing to the terminal", () => {
  const evil = "\u001b[2Jx\u202e\u009b";
  const profile = {
    items: 1,
    kept: 1,
    readUnits: 1,
    attributes: [{ name: evil, share: 1, types: { S: 1 }, isMixed: false, wideNumbers: 0 }],
    otherAttributes: 0,
    largest: [{ key: { [evil]: { S: evil } }, bytes: 1, storedBytes: null }],
    averageBytes: 1,
    averageStoredBytes: null,
    overflowed: 0,
    unfit: null,
  };
  const problem = { code: "DATA_UNFIT", message: evil, hint: evil, refuses: true } as const;
  const text = planText(
    plan({ tables: [table(1, { name: evil, profile })], warnings: [evil], problems: [problem] }),
  );
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(text).toContain("\\x1b[2J");
});
