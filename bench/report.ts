/** A report: from single runs to the figures and targets that are printed, the same form for every kind. */
import type { KindName } from "./command-line.ts";
import type { Machine, Versions } from "./machine.ts";
import {
  type Measure,
  MEASURE_NAMES,
  measureOf,
  type MeasureName,
  type Sample,
  type Words,
} from "./measures.ts";
import type { Shape } from "./orders.ts";

/** The median of several runs, with the extremes: the machine's noise is part of the result. */
export interface Figure {
  median: number;
  min: number;
  max: number;
}

/** What a figure should be. */
export interface Target {
  name: string;
  figure: string;
  holds: boolean;
}

/** One figure of all sides. */
export interface Row extends Measure {
  name: MeasureName;
  sides: Record<string, Figure>;
}

/** What one turn gave, by side. */
export type Turn = Record<string, Sample>;

/** Everything one benchmark found. */
export interface Report {
  /** Goes up when a member is gone or means something else. */
  format: 1;
  kind: KindName;
  shape: Shape;
  items: number;
  runs: number;
  /** What else was asked for, such as `shards`: only what isn't as usual. */
  options: Record<string, number | string | boolean>;
  at: string;
  machine: Machine;
  versions: Versions;
  conf: Record<string, string>;
  /** Whose figures stand beside each other. */
  sides: string[];
  rows: Row[];
  /** One run over more items. */
  growth?: { items: number; sides: Turn };
  targets: Target[];
}

/** Of single runs. */
export function figure(values: number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (place: number): number => sorted[place] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

export const megabytes = (bytes: number): number => bytes / 1024 / 1024;
export const perSecond = (items: number, ms: number): number => (items / ms) * 1_000;

/** Sums up turns; a side that hasn't got a figure in each of them hasn't got it. */
export function rowsOf(turns: Turn[], sides: string[], words: Words): Row[] {
  return MEASURE_NAMES.flatMap((name) => {
    const found = sides.flatMap((side) => {
      const values = turns.flatMap((turn) => turn[side]?.[name] ?? []);
      return values.length === turns.length && values.length > 0 ? [[side, figure(values)] as const] : [];
    });
    return found.length === 0 ? [] : [{ name, ...measureOf(name, words), sides: Object.fromEntries(found) }];
  });
}

/** A side's figure; undefined: it has none. */
export function figureOf(
  { rows }: Pick<Report, "rows">,
  name: MeasureName,
  side: string,
): Figure | undefined {
  return rows.find((row) => row.name === name)?.sides[side];
}

/** A number with so many digits behind the point, thousands apart. */
export function number(value: number, digits = 0): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `median (min–max)`; the median alone when there is nothing else. */
export function show({ median, min, max }: Figure, digits = 0): string {
  const all = number(median, digits);
  return min === max ? all : `${all} (${number(min, digits)}–${number(max, digits)})`;
}

/** Which targets hold. */
export const targetLines = (targets: Target[]): string[] =>
  targets.map(({ name, figure: found, holds }) => `${holds ? "ok  " : "MISS"}  ${name}: ${found}`);

/** Columns side by side, the first one `indent` blanks in; each as wide as it needs. */
export function columns(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, at) => cell.padEnd((widths[at] ?? 0) + 2)).join("")}`.trimEnd(),
  );
}

/** The report as text. */
export function format(report: Report): string {
  const { kind, shape, items, runs, options, conf, sides, rows, growth, machine, versions } = report;
  const asked = Object.entries(options).map(([name, value]) => `, ${name} ${value}`);
  const things = kind === "incr" ? "records" : "items";
  const peaks = (growth ? sides : []).map((side) => growth?.sides[side]?.peakMb);
  return [
    "conf:",
    ...Object.entries(conf).map(([key, value]) => `  ${key} = ${value}`),
    "",
    `${machine.cores} × ${machine.cpu}, ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    `${kind}, ${number(items)} ${shape} ${things}${asked.join("")}, median of ${runs} (min–max):`,
    ...columns([
      ["", ...sides],
      ...rows.map(({ label, digits, sides: found }) => [
        label,
        ...sides.map((side) => (found[side] === undefined ? "-" : show(found[side], digits))),
      ]),
      ...(growth
        ? [
            [
              `peak memory at ${number(growth.items)}, MB`,
              ...peaks.map((peak) => (peak === undefined ? "-" : number(peak))),
            ],
          ]
        : []),
    ]),
    "",
    ...targetLines(report.targets),
  ].join("\n");
}
