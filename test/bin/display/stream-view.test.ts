/** The lines about tables that are followed. */
import { expect, test } from "bun:test";
import { streamView, switchText } from "../../../bin/display/stream-view.ts";
import { createProgress, type Progress, trackTable } from "../../../core/progress/progress.ts";
import { createStreamProgress, type StreamProgress } from "../../../core/progress/stream-progress.ts";

const NOW = 1_800_000_000_000;
const keys = { partition: { name: "pk", type: "S" } } as const;

/** A progress with followed tables, whose shards were at their tips so many ms ago; undefined: not yet. */
function followed(lags: Record<string, (number | undefined)[]>): Progress {
  const progress = createProgress();
  for (const [name, shards] of Object.entries(lags)) {
    const stream: StreamProgress = { ...createStreamProgress(), written: 1234 };
    shards.forEach((lag, i) => {
      const id = `s${i}`;
      const at = lag === undefined ? undefined : NOW - lag;
      stream.shards.set(id, { id, caughtUpAt: at, settledAt: at });
    });
    const table = trackTable(progress, {
      name,
      targetName: name,
      keys,
      secondary: [],
      itemCount: 0,
      sizeBytes: 0,
    });
    Object.assign(table, { state: "following", stream });
  }
  return progress;
}

const size = { columns: 200, rows: 20 };

test("a line a table: lag, records, shards", () => {
  const view = streamView(followed({ a: [100, 2500], b: [undefined], c: [] }));
  expect(view.frame(NOW, size)).toEqual([
    "a: 3s behind, 1,234 records applied, 2 shards",
    "b: catching up, 1,234 records applied, 1 shard",
    "c: no open shard, 1,234 records applied, 0 shards",
  ]);
});

test("the rate is that of the last seconds", () => {
  const progress = followed({ a: [0] });
  const view = streamView(progress);
  view.frame(NOW, size);
  progress.tables.get("a")!.stream!.written += 5000;
  expect(view.frame(NOW + 1000, size)[0]).toContain("5K records/s");
});

test("no more lines than there is room for, and none too long", () => {
  const tables = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`table-${n}`, [0]]));
  const lines = streamView(followed(tables)).frame(NOW, { columns: 20, rows: 7 });
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toBe("… and 25 more");
  for (const line of lines) expect(line.length).toBeLessThan(20);
});

test("what waits in the spool, and a table that is copied again", () => {
  const progress = followed({ a: [undefined], b: [0] });
  progress.tables.get("a")!.spoolBytes = 12_000_000;
  Object.assign(progress.tables.get("b")!, { state: "copying", written: 7 });
  const [a, b] = streamView(progress).frame(NOW, size);
  expect(a).toContain("spool 12");
  expect(b).toBe("b: copied again after a gap, 7 items");
});

test("a good moment to switch over is when every shard caught up less than a second ago", () => {
  expect(switchText(followed({ a: [0, 999] }), NOW)).toStartWith("now is a good moment");
  expect(switchText(followed({ a: [0, 1000], b: [0] }), NOW)).toBe(
    "not a good moment to switch over: a not caught up",
  );
  expect(switchText(followed({ a: [undefined] }), NOW)).toContain("not a good moment");
  expect(switchText(createProgress(), NOW)).toContain("nothing is followed yet");
  const waiting = followed({ a: [0] });
  waiting.tables.get("a")!.stream!.waiting.add("s1");
  expect(switchText(waiting, NOW)).toBe("not a good moment to switch over: a not caught up");
  const many = followed(Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [name, [5000]])));
  expect(switchText(many, NOW)).toEndWith("a, b, c and 2 more not caught up");
});
