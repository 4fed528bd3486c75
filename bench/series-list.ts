/** The series of docs/performance.md: what is varied, and how each point is measured. */

/** One point. */
export interface PointOf {
  /** What is varied, as it stands in tables and on axes. */
  x: number | string;
  /** A name for a line of several points; undefined: there is one line. */
  line?: string;
  /** Of `bench/bench.ts`. */
  args: string[];
}

const SECONDS_OF_IDLENESS = 5;
const many = (tables: number): PointOf => ({
  x: tables,
  args: ["many", `--tables=${tables}`, `--idle-seconds=${SECONDS_OF_IDLENESS}`],
});
const full = (...args: string[]): string[] => ["full", ...args];
/** A point of what a key does; the first one has none. */
const key = (setting: string, ...more: string[]): PointOf => ({
  x: setting,
  args: full("--no-floor", "--items=100000", "--runs=1", "--set", setting, ...more),
});
const applied = (setting: string): PointOf => ({
  x: setting,
  line: "incr",
  args: ["incr", "--no-floor", "--items=50000", "--runs=1", "--set", setting],
});
const NO_CHANGE = "conf.version=4";

/** By name. */
export const SERIES: Record<string, PointOf[]> = {
  items: [
    ...[30_000, 100_000, 300_000].map((x) => ({ x, args: full(`--items=${x}`, "--runs=2") })),
    ...[1_000_000, 2_000_000].map((x) => ({ x, args: full(`--items=${x}`, "--runs=1", "--no-floor") })),
  ],
  shapes: Object.entries({ small: 300_000, medium: 300_000, large: 60_000, huge: 1_000 }).map(
    ([x, items]) => ({
      x,
      args: full(`--shape=${x}`, `--items=${items}`, "--runs=5"),
    }),
  ),
  kinds: [
    { x: "incr", args: ["incr", "--items=300000", "--runs=5"] },
    { x: "incr, also modify and remove", args: ["incr", "--items=300000", "--mix", "--runs=5"] },
    { x: "proxy", args: ["proxy", "--runs=5"] },
    { x: "verify", args: ["verify", "--runs=5"] },
  ],
  segments: [0, 10].flatMap((latency) =>
    [1, 2, 4, 16, 64].map((x) => ({
      x,
      line: latency === 0 ? "source at once" : `source after ${latency} ms`,
      args: full(
        "--no-floor",
        "--items=100000",
        "--runs=1",
        `--source-latency=${latency}`,
        "--set=qps.full.batch_num=128",
        `--set=full.read.concurrency=${x}`,
      ),
    })),
  ),
  tables: [10, 100, 1_000].map(many),
  shards: [1, 4, 32, 256].map((x) => ({
    x,
    args: ["incr", "--no-floor", "--items=50000", "--runs=1", `--shards=${x}`],
  })),
  latency: ["source", "target"].flatMap((side) =>
    [0, 10, 100].map((x) => ({
      x,
      line: `${side}, its answers so late`,
      args: full("--no-floor", "--defaults", "--items=100000", "--runs=1", `--${side}-latency=${x}`),
    })),
  ),
  keys: [
    key(NO_CHANGE),
    key("convert.type=mchange"),
    key("convert.type=raw"),
    key("full.read.concurrency=1"),
    key("full.read.concurrency=auto"),
    key("qps.full.batch_num=128"),
    key("full.document.concurrency=1"),
    key("full.document.write.batch=128"),
    key("checkpoint.type=file"),
    key("plugins=filter", "--set", "plugin.filter.where=attribute_exists(status)"),
    key("plugins=rename", "--set", "plugin.rename.attributes=status:state"),
    key("verify.after_full=full"),
    key("memory.limit=64mb"),
    applied(NO_CHANGE),
    applied("increase.concurrency=1"),
    applied("qps.incr.batch_num=128"),
  ],
};
