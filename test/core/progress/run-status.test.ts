/** What a run's counters look like as JSON. */
import { expect, test } from "bun:test";
import { describeRun, type RunIdentity } from "../../../core/progress/run-status.ts";
import { createStreamProgress, type StreamProgress } from "../../../core/progress/stream-progress.ts";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const IDENTITY: RunIdentity = {
  id: "shop",
  version: "1.2.3",
  syncMode: "all",
  source: "AWS, us-east-2",
  target: "mongodb://host, database shop",
  checkpoint: "mongodb://host, shop-checkpoint",
  pid: 1,
  host: "here",
};

/** A table whose only shard was at its tip so many ms ago; undefined: not yet. */
function followed(name: string, behind?: number): FakeTable {
  const stream: StreamProgress = createStreamProgress();
  stream.shards.set("s", { id: "s", caughtUpAt: behind === undefined ? undefined : NOW - behind });
  return { name, state: "following", stream };
}

test("a run that has just begun knows nothing", () => {
  expect(describeRun(IDENTITY, fakeProgress(NOW, []), NOW)).toMatchObject({
    ...IDENTITY,
    now: "2026-11-26T12:00:00.000Z",
    phase: "starting",
    lagSeconds: null,
    savedAt: null,
    switchOver: { good: false, waitsFor: [] },
    itemsPerSecond: null,
    etaSeconds: null,
    lastError: null,
  });
});

test("the rate counts only what was done since the start, and the estimate is made of it", () => {
  const table = { name: "a", state: "copying" as const, itemCount: 1000, written: 600, resumed: 500 };
  const status = describeRun(IDENTITY, fakeProgress(NOW - 10_000, [table]), NOW);
  expect(status).toMatchObject({ itemsPerSecond: 10, etaSeconds: 40, tables: [{ share: 0.6 }] });
});

test("the lag is that of the table that is most behind, and unknown while one hasn't caught up", () => {
  const known = fakeProgress(NOW, [followed("a", 300), followed("b", 2500)]);
  expect(describeRun(IDENTITY, known, NOW)).toMatchObject({
    lagSeconds: 2.5,
    switchOver: { good: false, waitsFor: ["a", "b"] },
    tables: [{ stream: { lagSeconds: 0.3 } }, { stream: { lagSeconds: 2.5 } }],
  });
  const unknown = fakeProgress(NOW, [followed("a", 300), followed("b")]);
  expect(describeRun(IDENTITY, unknown, NOW).lagSeconds).toBeNull();
});
