/** The plots of docs/performance.md as Vega-Lite specifications: points of a series over what is varied in it. */
import type { Point } from "./series-data.ts";

/** Where one kind of mark of a plot comes from. */
export interface Drawn {
  /** As the legend says. */
  name: string;
  side: string;
  figure: string;
  /** The figure is given so many times: 0.001 makes seconds of milliseconds. */
  times?: number;
  /** Only the points of this line; all. */
  line?: string;
}

/** One plot. */
export interface Plot {
  file: string;
  series: string;
  title: string;
  x: string;
  y: string;
  /** Axes on which each step is so many times the last one. */
  log?: { x?: boolean; y?: boolean };
  /** What is varied has names, in their order. */
  isNamed?: boolean;
  /** So many points that they are a line only. */
  isDense?: boolean;
  drawn: Drawn[];
}

/** All of them. */
export const PLOTS: Plot[] = [
  {
    file: "items",
    series: "items",
    title: "Time by number of items, 0.7 KB each",
    x: "items",
    y: "seconds",
    log: { x: true, y: true },
    drawn: [
      { name: "nimo-shake, spawn to exit", side: "tool", figure: "wallMs", times: 0.001 },
      { name: "floor: inserts and indexes", side: "floor", figure: "wallMs", times: 0.001 },
    ],
  },
  {
    file: "memory",
    series: "items",
    title: "Memory by number of items, 0.7 KB each",
    x: "items",
    y: "peak memory, MB",
    log: { x: true },
    drawn: [{ name: "nimo-shake", side: "tool", figure: "peakMb" }],
  },
  {
    file: "shapes",
    series: "shapes",
    title: "Items a second by size of an item",
    x: "size of an item",
    y: "items/s",
    log: { y: true },
    isNamed: true,
    drawn: [
      { name: "nimo-shake", side: "tool", figure: "perSecond" },
      { name: "floor", side: "floor", figure: "perSecond" },
    ],
  },
  {
    file: "segments",
    series: "segments",
    title: "100,000 items by segments, pages of 128 items",
    x: "full.read.concurrency",
    y: "items/s",
    log: { x: true },
    drawn: [
      { name: "source at once", line: "source at once", side: "tool", figure: "perSecond" },
      { name: "source after 10 ms", line: "source after 10 ms", side: "tool", figure: "perSecond" },
    ],
  },
  {
    file: "tables",
    series: "tables",
    title: "Time by number of tables, one item each",
    x: "tables",
    y: "seconds",
    log: { x: true, y: true },
    drawn: [
      { name: "until all are copied", side: "tool", figure: "copiedMs", times: 0.001 },
      { name: "until all are followed", side: "tool", figure: "followedMs", times: 0.001 },
      { name: "restart until the first changes arrive", side: "tool", figure: "restartMs", times: 0.001 },
    ],
  },
  {
    file: "shards",
    series: "shards",
    title: "Stream records a second by shards",
    x: "shards",
    y: "records/s",
    log: { x: true },
    drawn: [{ name: "nimo-shake", side: "tool", figure: "perSecond" }],
  },
  {
    file: "latency",
    series: "latency",
    title: "100,000 items by latency, nothing tuned",
    x: "ms until an answer comes",
    y: "seconds",
    drawn: ["source", "target"].map((side) => ({
      name: `of the ${side}`,
      line: `${side}, its answers so late`,
      side: "tool",
      figure: "wallMs",
      times: 0.001,
    })),
  },
];

/** The rows that are drawn. */
export function valuesOf(
  { drawn }: Plot,
  points: Point[],
): { x: number | string; y: number; name: string }[] {
  return drawn.flatMap(({ name, side, figure, times = 1, line }) =>
    points.flatMap((point) => {
      const found = point.sides[side]?.[figure];
      return found === undefined || (line !== undefined && point.line !== line)
        ? []
        : [{ x: point.x, y: found[0] * times, name }];
    }),
  );
}

/** Legible on white and on black: the plot brings its ground. */
const COLOURS = ["#3584e4", "#e66100", "#2ec27e"];

/** As Vega-Lite takes it. */
export function specificationOf(plot: Plot, points: Point[]): object {
  const { title, x, y, log = {}, isNamed = false, isDense = false, drawn } = plot;
  const scale = (isLog = false): object =>
    isLog ? { type: "log", nice: false, padding: 12 } : { zero: true };
  const xs = [...new Set(points.map((point) => point.x))];
  const axis = { title: x, ...(!isNamed && !isDense && { values: xs, format: "~s" }), labelAngle: 0 };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: 560,
    height: 260,
    title,
    data: { values: valuesOf(plot, points) },
    mark: { type: "line", point: isDense ? false : { size: 50 }, strokeWidth: 2 },
    encoding: {
      x: isNamed
        ? { field: "x", type: "nominal", sort: xs, axis }
        : { field: "x", type: "quantitative", scale: scale(log.x), axis },
      y: {
        field: "y",
        type: "quantitative",
        scale: scale(log.y),
        axis: { title: y, format: y === "seconds" ? "~g" : "~s", tickCount: 6 },
      },
      color: {
        field: "name",
        type: "nominal",
        sort: drawn.map(({ name }) => name),
        scale: { range: COLOURS },
        legend: drawn.length > 1 ? { title: null, orient: "bottom", columns: 2, labelLimit: 400 } : null,
      },
    },
    config: {
      background: GROUND,
      font: "system-ui, sans-serif",
      padding: 12,
      view: { stroke: null },
      axis: {
        labelColor: INK,
        titleColor: INK,
        gridColor: LINE,
        domainColor: LINE,
        tickColor: LINE,
        titleFontWeight: "normal",
      },
      title: { color: INK, anchor: "start", fontWeight: "normal", fontSize: 14 },
      legend: { labelColor: INK },
    },
  };
}

/** By day; by night they are exchanged for those below. */
const GROUND = "#ffffff";
const INK = "#1f2328";
const LINE = "#d1d9e0";
const BY_NIGHT: Record<string, string> = { [GROUND]: "#0d1117", [INK]: "#e6edf3", [LINE]: "#3d444d" };

/** A plot that follows the reader's choice of light or dark. */
export function withNight(svg: string): string {
  const rules = Object.entries(BY_NIGHT).flatMap(([day, night]) => [
    `[fill="${day}"]{fill:${night}}`,
    `[stroke="${day}"]{stroke:${night}}`,
  ]);
  const style = `<style>@media (prefers-color-scheme: dark){${rules.join("")}}</style>`;
  return svg.replace(/<svg[^>]*>/, (opening) => opening + style);
}
