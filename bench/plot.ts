/** `bun bench/plot.ts`: draws the plots of docs/performance.md from its data, and writes the tables into it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { PLOTS, specificationOf, withNight } from "./plots.ts";
import { FOLDER, readSeries } from "./series-data.ts";
import { withTables } from "./tables.ts";

const DOCUMENT = join(FOLDER, "../performance.md");

for (const plot of PLOTS) {
  const series = readSeries(plot.series);
  if (series === undefined) {
    console.error(`${plot.file}: no series ${plot.series} yet`);
    continue;
  }
  const { spec } = compile(specificationOf(plot, series.points) as TopLevelSpec);
  const svg = await new View(parse(spec), { renderer: "none" }).toSVG();
  writeFileSync(join(FOLDER, `${plot.file}.svg`), `${withNight(svg)}\n`);
}
writeFileSync(DOCUMENT, withTables(readFileSync(DOCUMENT, "utf8"), readSeries));
