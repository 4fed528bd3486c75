/** The last line of a run that was stopped: how far it had come. */
import { expect, test } from "bun:test";
import { stoppedText } from "../../../bin/display/stopped.ts";
import { createStreamProgress } from "../../../core/progress/stream-progress.ts";
import { fakeProgress, type FakeTable } from "../../fakes/progress.ts";

const NOW = Date.UTC(2026, 0, 1);

/** A table that is followed, this far behind; undefined: it has not caught up. */
function followed(name: string, lag: number | undefined): FakeTable {
  const caughtUpAt = lag === undefined ? undefined : NOW - lag;
  const settledFrom = caughtUpAt && caughtUpAt - 2500;
  return {
    name,
    state: "following",
    stream: {
      ...createStreamProgress(),
      shards: new Map([["s", { id: "s", caughtUpAt, settledAt: caughtUpAt, settledFrom }]]),
    },
  };
}

test.each<[string, FakeTable[], string]>([
  ["before anything", [], "stopped by SIGTERM before the first table;"],
  ["in the full phase", [{ name: "a", state: "done" }, { name: "b" }], "SIGTERM, 1 of 2 tables copied;"],
  ["one table, in the full phase", [{ name: "a", state: "copying" }], "SIGTERM, 0 of 1 table copied;"],
  [
    "at the tip",
    [followed("a", 200), followed("b", 0)],
    "stopped at the tip by SIGTERM: all changes made until 2025/12/31 23:59:57 UTC are applied;",
  ],
  [
    "behind",
    [followed("a", 61_000), followed("b", undefined), followed("c", 10)],
    "stopped by SIGTERM, not at the tip: a 1m 1s behind, b not caught up;",
  ],
  [
    "far behind",
    ["a", "b", "c", "d", "e"].map((name) => followed(name, undefined)),
    "a not caught up, b not caught up, c not caught up and 2 more;",
  ],
])("a run that is stopped %s says where it stands", (_, tables, says) => {
  const text = stoppedText(fakeProgress(NOW - 1000, tables), "SIGTERM", NOW);
  expect(text).toContain(says);
  expect(text).toEndWith("start it again in the same way: it goes on where it stopped");
});
