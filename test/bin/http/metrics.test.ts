/** `/metrics`: what Prometheus reads is what the counters say, whatever tables are called. */
import { afterEach, describe, expect, test } from "bun:test";
import parsePrometheusTextFormat from "parse-prometheus-text-format";
import { createMetrics, FAMILIES, type Metrics } from "../../../bin/http/metrics/metrics.ts";
import { noteError, noteRetry, type Progress } from "../../../core/progress/progress.ts";
import { createStreamProgress, type StreamProgress } from "../../../core/progress/stream-progress.ts";
import { type FakeTable, fakeProgress } from "../../fakes/progress.ts";
import { fakeView } from "./view.ts";

const START = Date.parse("2026-11-23T21:00:00Z");
const NOW = START + 60_000;
const open: Metrics[] = [];

afterEach(() => {
  for (const metrics of open.splice(0)) metrics.close();
});

function metricsOf(progress: Progress): Metrics {
  const metrics = createMetrics(fakeView(progress, NOW), () => NOW);
  open.push(metrics);
  return metrics;
}

/** What a parser reads: by name, each value with its labels. */
async function read(metrics: Metrics): Promise<Record<string, { labels: object; value: number }[]>> {
  const families = parsePrometheusTextFormat(await metrics.text());
  return Object.fromEntries(
    families.map(({ name, metrics }) => [
      name,
      metrics.map(({ labels = {}, value }) => ({ labels: { ...labels }, value: Number(value) })),
    ]),
  );
}

const of = (...tables: FakeTable[]): Progress => fakeProgress(START, tables);

/** A stream whose shards have reached their tips so many ms ago; undefined: not yet. */
function streamOf(lags: (number | undefined)[], counts: Partial<StreamProgress> = {}): StreamProgress {
  const shards = lags.map((lag, n) => {
    const id = `shard-${n}`;
    return [id, { id, ...(lag !== undefined && { caughtUpAt: NOW - lag }) }] as const;
  });
  return { ...createStreamProgress(), ...counts, shards: new Map(shards) };
}

test("where the time went is told by table, phase and stage, of what has begun", async () => {
  const times = { fetchMs: 1500, convertMs: 20, writeMs: 0 };
  const progress = of({ name: "orders", times, stream: streamOf([0], { times }) }, { name: "waiting" });
  const { nimoshake_stage_seconds_total: found } = await read(metricsOf(progress));
  const values = (phase: string): object[] => [
    { labels: { table: "orders", phase, stage: "fetch" }, value: 1.5 },
    { labels: { table: "orders", phase, stage: "convert" }, value: 0.02 },
    { labels: { table: "orders", phase, stage: "write" }, value: 0 },
  ];
  expect(found).toEqual([...values("full"), ...values("incr")] as typeof found);
});

test("the text is what a parser takes, every metric with its help, under a name of the convention", async () => {
  const times = { fetchMs: 1, convertMs: 1, writeMs: 1 };
  const progress = of({
    name: "orders",
    times,
    stream: streamOf([0]),
    spoolBytes: 1,
    itemCount: 1,
    state: "done",
  });
  progress.savedAt = NOW;
  progress.memory = { used: 1, limit: 2 };
  const metrics = metricsOf(progress);
  const text = await metrics.text();
  expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(text).not.toMatch(/nan/i);
  const names = parsePrometheusTextFormat(text).map(({ name, metrics }) => {
    expect([name, metrics.length > 0]).toEqual([name, true]);
    return name;
  });
  expect(names.toSorted()).toEqual(FAMILIES.map(({ name }) => name).toSorted());
  for (const { name, help, kind, labels } of FAMILIES) {
    expect(help).not.toBe("");
    expect(name).toMatch(/^(nimoshake|process)_[a-z_]+$/);
    expect([name, name.endsWith("_total")]).toEqual([name, kind === "counter"]);
    for (const label of labels) expect(label).toMatch(/^[a-z_]+$/);
    expect(text).toContain(`# TYPE ${name} ${kind}\n`);
  }
});

test("promtool has nothing to say against it, where there is one", async () => {
  const promtool = Bun.which("promtool");
  if (promtool === null) return;
  const text = await metricsOf(of({ name: 'a"b', stream: streamOf([1, undefined]) })).text();
  const { exitCode, stderr } = Bun.spawnSync([promtool, "check", "metrics"], { stdin: Buffer.from(text) });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
});

describe("counters", () => {
  test("are those of the tables, by phase", async () => {
    const stream = streamOf([0], { read: 7, written: 5, filtered: 2, bytes: 700 });
    const counts = { read: 100, written: 90, filtered: 10, bytes: 5000, overflowed: 3, readUnits: 12.5 };
    const found = await read(metricsOf(of({ name: "orders", ...counts, stream }, { name: "users" })));
    expect(found["nimoshake_items_read_total"]).toEqual([
      { labels: { table: "orders", phase: "full" }, value: 100 },
      { labels: { table: "orders", phase: "incr" }, value: 7 },
      { labels: { table: "users", phase: "full" }, value: 0 },
    ]);
    const ofOrders = (name: string): number[] =>
      found[name]!.filter(({ labels }) => "table" in labels && labels.table === "orders").map(
        ({ value }) => value,
      );
    expect(ofOrders("nimoshake_items_written_total")).toEqual([90, 5]);
    expect(ofOrders("nimoshake_items_filtered_total")).toEqual([10, 2]);
    expect(ofOrders("nimoshake_bytes_read_total")).toEqual([5000, 700]);
    expect(ofOrders("nimoshake_numbers_inexact_total")).toEqual([3]);
    expect(ofOrders("nimoshake_consumed_read_units_total")).toEqual([12.5]);
  });

  test("begin at 0 in a process that goes on with what another has done", async () => {
    const before = { filtered: 20, overflowed: 5 };
    const resumed = { resumed: 100, resumedBytes: 1000, resumedFiltered: 20, resumedOverflowed: 5 };
    const start = { name: "orders", read: 100, written: 80, bytes: 1000, ...before, ...resumed };
    const totals = async (table: FakeTable): Promise<number[]> => {
      const found = await read(metricsOf(of(table)));
      const names = ["items_read", "items_written", "items_filtered", "bytes_read", "numbers_inexact"];
      return names.map((name) => found[`nimoshake_${name}_total`]![0]!.value);
    };
    expect(await totals(start)).toEqual([0, 0, 0, 0, 0]);
    const later = { read: 110, written: 88, filtered: 22, bytes: 1500, overflowed: 6 };
    expect(await totals({ ...start, ...later })).toEqual([10, 8, 2, 500, 1]);
  });

  test("of errors and calls made again", async () => {
    const progress = of();
    noteRetry(progress, { side: "target", code: "TARGET_UNREACHABLE", pause: 1 });
    noteRetry(progress, { side: "target", code: "TARGET_UNREACHABLE", pause: 1 });
    noteError(progress, { code: "STREAM_GAP", message: "gone" });
    const found = await read(metricsOf(progress));
    expect(found["nimoshake_errors_total"]!.filter(({ value }) => value > 0)).toEqual([
      { labels: { code: "STREAM_GAP" }, value: 1 },
      { labels: { code: "TARGET_UNREACHABLE" }, value: 2 },
    ]);
    expect(found["nimoshake_retries_total"]).toEqual([
      { labels: { side: "source" }, value: 0 },
      { labels: { side: "target" }, value: 2 },
      { labels: { side: "checkpoint" }, value: 0 },
    ]);
  });
});

describe("lag", () => {
  test("is in seconds, by shard and by table, and left out where it isn't known", async () => {
    const found = await read(
      metricsOf(
        of({ name: "a", stream: streamOf([1500, 20]) }, { name: "b", stream: streamOf([5, undefined]) }),
      ),
    );
    expect(found["nimoshake_lag_seconds"]).toEqual([
      { labels: { table: "a", shard: "shard-0" }, value: 1.5 },
      { labels: { table: "a", shard: "shard-1" }, value: 0.02 },
      { labels: { table: "b", shard: "shard-0" }, value: 0.005 },
    ]);
    expect(found["nimoshake_table_lag_seconds"]).toEqual([{ labels: { table: "a" }, value: 1.5 }]);
    expect(found["nimoshake_shards"]).toContainEqual({
      labels: { table: "b", state: "catching_up" },
      value: 1,
    });
  });

  test("of shards that have ended is gone", async () => {
    const stream = streamOf([10, 20]);
    const metrics = metricsOf(of({ name: "a", stream }));
    expect((await read(metrics))["nimoshake_lag_seconds"]).toHaveLength(2);
    stream.shards.delete("shard-0");
    expect((await read(metrics))["nimoshake_lag_seconds"]).toEqual([
      { labels: { table: "a", shard: "shard-1" }, value: 0.02 },
    ]);
  });

  test("of very many shards is that of the one most behind", async () => {
    const lags = Array.from({ length: 5000 }, (_, n) => n);
    const found = await read(metricsOf(of({ name: "a", stream: streamOf(lags) })));
    expect(found["nimoshake_lag_seconds"]).toEqual([
      { labels: { table: "a", shard: "worst" }, value: 4.999 },
    ]);
  });
});

test("names can't inject lines or labels", async () => {
  const name = 'a"} 1\nnimoshake_paused 1\n\\{b="\r\n# TYPE';
  const text = await metricsOf(of({ name, stream: streamOf([0]) })).text();
  expect(text.match(/^nimoshake_paused .*$/gm)).toEqual(["nimoshake_paused 0"]);
  for (const line of text.split("\n")) {
    expect(line).toMatch(/^$|^# (HELP|TYPE) |^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)+\})? [-+\d.e]+$/s);
  }
  const tables = parsePrometheusTextFormat(text).find(({ name }) => name === "nimoshake_table_items")!;
  expect(tables.metrics[0]!.labels!["table"]).toBe(name);
});

test("what the run is at", async () => {
  const progress = of({ name: "a", state: "copying" }, { name: "b" });
  Object.assign(progress, { phase: "full", paused: true, memory: { used: 7, limit: 9 } });
  const metrics = metricsOf(progress);
  const found = await read(metrics);
  const value = (name: string): number[] =>
    found[name]!.filter(({ value }) => value > 0).map(({ value }) => value);
  expect(found["nimoshake_phase"]!.filter(({ value }) => value === 1)).toEqual([
    { labels: { phase: "full" }, value: 1 },
  ]);
  expect(value("nimoshake_paused")).toEqual([1]);
  expect([value("nimoshake_memory_held_bytes"), value("nimoshake_memory_limit_bytes")]).toEqual([[7], [9]]);
  expect(value("nimoshake_switchover_ready")).toEqual([]);
  expect(found["nimoshake_last_save_timestamp_seconds"] ?? []).toEqual([]);
  expect(found["nimoshake_tables"]!.filter(({ value }) => value > 0)).toEqual([
    { labels: { state: "waiting" }, value: 1 },
    { labels: { state: "copying" }, value: 1 },
  ]);
  expect(found["nimoshake_build_info"]).toEqual([
    {
      labels: {
        version: expect.any(String),
        id: "shop",
        sync_mode: "all",
        source: expect.stringContaining("us-east-2"),
        target: "127.0.0.1:1, database shop",
      },
      value: 1,
    },
  ]);
  progress.savedAt = NOW;
  const later = await read(metrics);
  expect(later["nimoshake_last_save_timestamp_seconds"]).toEqual([{ labels: {}, value: NOW / 1000 }]);
});

test("two runs of one process share nothing", async () => {
  const [one, two] = [metricsOf(of({ name: "a", read: 1 })), metricsOf(of({ name: "b", read: 2 }))];
  await one.text();
  const found = await read(two);
  expect(found["nimoshake_items_read_total"]).toEqual([{ labels: { table: "b", phase: "full" }, value: 2 }]);
});
