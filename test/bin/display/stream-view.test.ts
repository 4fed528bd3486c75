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

/** The first words of lines. */
const names = (lines: string[]): string[] => lines.map((line) => line.split(/ {2}|:/)[0]!);

test("a line a table, what is most behind first, then all of them, and what a switch-over waits for", () => {
  const view = streamView(followed({ a: [100, 2500], z: [0], b: [undefined], c: [] }));
  expect(view.frame(NOW, size)).toEqual([
    "b          catching up                   1,234 records applied   1 shard",
    "c        no open shard                   1,234 records applied  0 shards",
    "a            3s behind                   1,234 records applied  2 shards",
    "z            0s behind                   1,234 records applied   1 shard",
    "total 4    catching up                   4,936 records applied  4 shards  switch over: no",
    "waiting for b, c, a",
  ]);
});

test("the order stays for some seconds, and small differences don't change it", () => {
  const progress = followed({ a: [5000], b: [1900], c: [100] });
  const view = streamView(progress);
  const order = (now: number): string[] => names(view.frame(now, size)).slice(0, 3);
  const lag = (name: string, ms: number, now: number): void => {
    progress.tables.get(name)!.stream!.shards.get("s0")!.caughtUpAt = now - ms;
  };
  expect(order(NOW)).toEqual(["a", "b", "c"]);
  lag("c", 60_000, NOW);
  expect(order(NOW + 4000)).toEqual(["a", "b", "c"]);
  lag("a", 0, NOW + 5000);
  lag("b", 1000, NOW + 5000);
  expect(order(NOW + 5000)).toEqual(["c", "a", "b"]);
});

test("it is time to switch over when all are at their tips, and nothing is paused", () => {
  const progress = followed({ a: [0], b: [500] });
  const [total, below] = streamView(progress).frame(NOW, size).slice(-2);
  expect(total).toMatch(/^total 2 +1s behind .* switch over: yes$/);
  expect(below).toBe("every shard is at its tip, less than a second behind");
  const paused = streamView({ ...progress, paused: true })
    .frame(NOW, size)
    .slice(-2);
  expect(paused[0]).toEndWith("switch over: no");
  expect(paused[1]).toBe("paused");
});

test("the rate is that of the last seconds", () => {
  const progress = followed({ a: [0] });
  const view = streamView(progress);
  view.frame(NOW, size);
  progress.tables.get("a")!.stream!.written += 5000;
  expect(view.frame(NOW + 1000, size)[0]).toContain("5K records/s");
});

test.each([
  [20, 7],
  [60, 10],
  [80, 24],
  [200, 3],
])("in %d columns and %d rows there are no more lines than room, and none too long", (columns, rows) => {
  const tables = Object.fromEntries(
    Array.from({ length: 30 }, (_, n) => [`production.eu-west-1.table-${n}`, [0]]),
  );
  const lines = streamView(followed(tables)).frame(NOW, { columns, rows });
  expect(lines).toHaveLength(rows - 1);
  for (const line of lines) expect(line.length).toBeLessThan(columns);
  expect(lines.at(-2)).toStartWith("total 30");
  if (rows > 3) expect(lines.at(-3)).toBe(`… and ${30 - (rows - 4)} more`);
});

test("what waits in the spool, and a table that is copied again", () => {
  const progress = followed({ a: [undefined], b: [0] });
  progress.tables.get("a")!.spoolBytes = 12_000_000;
  Object.assign(progress.tables.get("b")!, { state: "copying", written: 7 });
  const [a, b] = streamView(progress).frame(NOW, size);
  expect(a).toContain("spool 12");
  expect(b).toMatch(/^b +copied again +after a gap, 7 items$/);
  expect(streamView(progress).lines(NOW)[1]).toBe("  b: copied again, after a gap, 7 items");
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
