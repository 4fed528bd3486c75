/** When a run says that its pages are small. */
import { expect, test } from "bun:test";
import { smallPages } from "../../../core/run/small-pages.ts";
import { testConfig } from "../../fakes/context.ts";
import { type FakeTable, fakeTable } from "../../fakes/progress.ts";

const NOW = 1_800_000_000_000;

/** Copied for half a minute: 32,000 of a million items of 120 bytes, in full pages. */
const slow: FakeTable = {
  name: "orders",
  state: "copying",
  itemCount: 1_000_000,
  sizeBytes: 120_000_000,
  read: 32_000,
  written: 32_000,
  bytes: 3_840_000,
  pages: 250,
  startedAt: NOW - 30_000,
};

const words = (table: Partial<FakeTable>, settings: Record<string, string> = {}): string | undefined =>
  smallPages(fakeTable({ ...slow, ...table }), testConfig({ "qps.full.batch_num": "128", ...settings }), NOW);

test("it names the value, and how much that is", () => {
  expect(words({})).toBe(
    "table orders: its pages have 128 items and 15 kB, where 1 MB is possible: with qps.full.batch_num = 8000 it may be " +
      "up to 62 times as fast (nimo-shake set changes it while it runs)",
  );
  // What an earlier process had read came in pages of its own.
  const resumed = {
    read: 532_000,
    written: 532_000,
    bytes: 63_840_000,
    resumed: 500_000,
    resumedBytes: 60_000_000,
  };
  expect(words(resumed)).toContain("15 kB");
});

test.each<[string, Partial<FakeTable>, Record<string, string>]>([
  ["it has just begun", { startedAt: NOW - 5000 }, {}],
  ["it is soon over", { itemCount: 33_000, sizeBytes: 4_000_000 }, {}],
  ["it is over", { state: "indexing" }, {}],
  ["pages are short for another reason", { pages: 500 }, {}],
  ["items are large", { bytes: 320_000_000 }, {}],
  ["the source throttles", { throttles: 1 }, {}],
  ["it is to be slow", {}, { "full.read.capacity": "100" }],
  ["nothing limits them", {}, { "qps.full.batch_num": "" }],
  ["the limit is high already", { pages: 8 }, { "qps.full.batch_num": "4000" }],
])("nothing is said when %s", (_, table, settings) => {
  expect(words(table, settings)).toBeUndefined();
});
