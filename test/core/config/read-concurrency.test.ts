/** Into how many segments a table is split. */
import { describe, expect, test } from "bun:test";
import { readLanes, segmentCount } from "../../../core/config/read-concurrency.ts";
import { testConfig } from "../../fakes/context.ts";

const MB = 1024 * 1024;

describe("segments", () => {
  test.each<[concurrency: string, tables: string, cores: number, lanes: number]>([
    ["1", "4", 2, 4],
    ["8", "4", 2, 32],
    ["64", "4", 2, 200],
    ["8192", "1", 2, 200],
    ["auto", "4", 1, 8],
    ["auto", "4", 2, 8],
    ["auto", "1", 16, 64],
    ["auto", "4", 128, 200],
  ])("concurrency %s of %s tables on %d cores: %d at once", (concurrency, tables, cores, lanes) => {
    const config = testConfig({ "full.read.concurrency": concurrency, "full.concurrency": tables });
    expect(readLanes(config, cores)).toBe(lanes);
  });

  test.each<[concurrency: string, sizeBytes: number, segments: number]>([
    ["1", 0, 1],
    ["7", 1000 * MB, 7],
    ["auto", 0, 1],
    ["auto", 128 * MB, 1],
    ["auto", 129 * MB, 2],
    ["auto", 1280 * MB, 10],
    ["auto", 1e15, 32],
  ])("concurrency %s, a table of %d bytes: %d", (concurrency, sizeBytes, segments) => {
    const config = testConfig({ "full.read.concurrency": concurrency });
    expect(segmentCount(config, { sizeBytes }, 2)).toBe(segments);
  });
});
