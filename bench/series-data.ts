/** What `bench/series.ts` has measured, as it is kept in docs/performance/data. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine, Versions } from "./machine.ts";

/** A figure over its runs. */
export type Spread = [median: number, least: number, most: number];

/** Figures by name, by side. */
export type Sides = Record<string, Record<string, Spread>>;

/** One measured point. */
export interface Point {
  /** What is varied. */
  x: number | string;
  /** Which line it is of, where there are several. */
  line?: string;
  /** How it was measured. */
  args: string[];
  sides: Sides;
}

/** See the top of the file. */
export interface Series {
  name: string;
  /** ISO 8601. */
  at: string;
  machine: Machine;
  versions: Versions;
  points: Point[];
}

/** Where the data and the plots are. */
export const FOLDER: string = join(import.meta.dirname, "../docs/performance");
const fileOf = (name: string): string => join(FOLDER, "data", `${name}.json`);

/** Reads a series; undefined: it was not measured yet. */
export function readSeries(name: string): Series | undefined {
  let text: string;
  try {
    text = readFileSync(fileOf(name), "utf8");
  } catch {
    return undefined;
  }
  return JSON.parse(text) as Series;
}

/** Three digits behind the point are more than was measured. */
const THOUSAND = 1_000;

/** Keeps a series; gives the file's path. */
export function writeSeries(series: Series): string {
  const path = fileOf(series.name);
  const short = (_name: string, value: unknown): unknown =>
    typeof value === "number" ? Math.round(value * THOUSAND) / THOUSAND : value;
  writeFileSync(path, `${JSON.stringify(series, short, 2)}\n`);
  return path;
}
