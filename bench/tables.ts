/** The tables of docs/performance.md, made from the data of `bench/series.ts`. */
import { measureOf, type MeasureName } from "./measures.ts";
import { number } from "./report.ts";
import type { Point, Series, Spread } from "./series-data.ts";

/** One column: its head, and what of a point stands in it. */
interface Column {
  head: string;
  of: (point: Point, all: Point[]) => string;
}

const value = (side: string, name: MeasureName): ((point: Point) => string) => {
  const { digits } = measureOf(name, { unit: "item", base: "floor" });
  return ({ sides }) => shown(sides[side]?.[name], digits);
};
const seconds =
  (side: string, name: string): ((point: Point) => string) =>
  ({ sides }) =>
    shown(sides[side]?.[name], 1, 0.001);

function shown(spread: Spread | undefined, digits: number, times = 1): string {
  return spread === undefined ? "-" : number(spread[0] * times, digits);
}

/** What stands beside the first point's of the same line. */
function change(name: MeasureName): Column["of"] {
  return (point, all) => {
    const first = all.find(({ line }) => line === point.line)!.sides["tool"]?.[name]?.[0];
    const mine = point.sides["tool"]?.[name]?.[0];
    if (first === undefined || mine === undefined || all.some((each) => each === point && each.x === NO_KEY))
      return "";
    const percent = Math.round((mine / first - 1) * 100);
    return `${percent > 0 ? "+" : ""}${percent} %`;
  };
}
/** The point with a conf of which nothing is changed. */
const NO_KEY = "conf.version=4";

const LANES: Column[] = [
  { head: "fetch, %", of: value("tool", "fetchShare") },
  { head: "convert, %", of: value("tool", "convertShare") },
  { head: "write, %", of: value("tool", "writeShare") },
  { head: "idle, %", of: value("tool", "idleShare") },
];
const varied = (head: string): Column => ({
  head,
  of: ({ x }) => (typeof x === "number" ? number(x) : x === NO_KEY ? "nothing" : x),
});
const lined = (head: string): Column => ({ head, of: ({ line = "full" }) => line });

const TABLES: Record<string, Column[]> = {
  shapes: [
    varied("size"),
    { head: "items/s", of: value("tool", "perSecond") },
    { head: "floor, items/s", of: value("floor", "perSecond") },
    { head: "of the floor", of: value("tool", "ratio") },
    { head: "CPU, µs an item", of: value("tool", "cpuUs") },
    { head: "peak, MB", of: value("tool", "peakMb") },
    ...LANES,
  ],
  kinds: [
    varied("what"),
    { head: "a second", of: (point) => value(point.sides["verify"] ? "verify" : "tool", "perSecond")(point) },
    {
      head: "of floor or copy",
      of: (point) => value(point.sides["verify"] ? "verify" : "tool", "ratio")(point),
    },
    { head: "CPU, µs each", of: (point) => value(point.sides["verify"] ? "verify" : "tool", "cpuUs")(point) },
    { head: "peak, MB", of: (point) => value(point.sides["verify"] ? "verify" : "tool", "peakMb")(point) },
    ...LANES,
  ],
  items: [
    varied("items"),
    { head: "s", of: seconds("tool", "wallMs") },
    { head: "floor, s", of: seconds("floor", "wallMs") },
    { head: "CPU, µs an item", of: value("tool", "cpuUs") },
    { head: "peak, MB", of: value("tool", "peakMb") },
  ],
  segments: [
    lined("source"),
    varied("segments"),
    { head: "items/s", of: value("tool", "perSecond") },
    { head: "peak, MB", of: value("tool", "peakMb") },
    ...LANES,
  ],
  tables: [
    varied("tables"),
    { head: "copied, s", of: seconds("tool", "copiedMs") },
    { head: "followed, s", of: seconds("tool", "followedMs") },
    { head: "restart, s", of: seconds("tool", "restartMs") },
    { head: "idle, % of a core", of: ({ sides }) => shown(sides["tool"]?.["idlePercent"], 1) },
    { head: "peak, MB", of: value("tool", "peakMb") },
  ],
  shards: [
    varied("shards"),
    { head: "records/s", of: value("tool", "perSecond") },
    { head: "CPU, µs a record", of: value("tool", "cpuUs") },
    { head: "peak, MB", of: value("tool", "peakMb") },
    ...LANES,
  ],
  latency: [
    lined("of"),
    varied("ms"),
    { head: "s", of: seconds("tool", "wallMs") },
    { head: "items/s", of: value("tool", "perSecond") },
    ...LANES,
  ],
  keys: [
    lined("phase"),
    varied("set"),
    { head: "a second", of: value("tool", "perSecond") },
    { head: "change", of: change("perSecond") },
    { head: "CPU, µs each", of: value("tool", "cpuUs") },
    { head: "change of CPU", of: change("cpuUs") },
    { head: "peak, MB", of: value("tool", "peakMb") },
  ],
};

/** A series as a Markdown table; columns in which nothing stands are left out. */
export function tableOf({ name, points }: Series): string {
  const all = (TABLES[name] ?? []).map(({ head, of }) => [head, ...points.map((point) => of(point, points))]);
  const filled = all.filter(([, ...cells]) => cells.some((cell) => cell !== "-" && cell !== ""));
  const widths = filled.map((cells) => Math.max(...cells.map((cell) => cell.length), 3));
  const line = (cells: string[], fill = " "): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!, fill)).join(" | ")} |`;
  const rows = points.map((_, row) => line(filled.map((cells) => cells[row + 1]!)));
  return [
    line(filled.map(([head]) => head!)),
    line(
      filled.map(() => ""),
      "-",
    ),
    ...rows,
  ].join("\n");
}

/** The parts of a document between `<!-- NAME -->` and `<!-- /NAME -->`, each anew; what has no series stays. */
export function withTables(document: string, find: (name: string) => Series | undefined): string {
  return document.replaceAll(
    /(<!-- (\w+) -->)[\s\S]*?(<!-- \/\2 -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const series = find(name);
      return series === undefined
        ? whole
        : `${begin}\n\n${tableOf(series)}\n\n${measuredOn(series)}\n\n${end}`;
    },
  );
}

function measuredOn({ at, machine, versions }: Series): string {
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `<sub>${at.slice(0, 10)}, ${machine.cores} × ${machine.cpu}, ${machine.memoryGb} GB, ${all.join(", ")}</sub>`;
}
