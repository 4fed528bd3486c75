/** The samples of an endurance run as a picture: memory, descriptors and the checkpoint over time. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { specificationOf, withNight } from "../../bench/plots.ts";
import type { Sample } from "./samples.ts";

const MINUTE = 60;

/** An SVG. */
export async function plotSamples(samples: readonly Sample[]): Promise<string> {
  const figures = {
    rss: "memory, MB",
    descriptors: "open descriptors",
    checkpointKb: "checkpoint, KB",
  } as const;
  const names = Object.keys(figures) as (keyof typeof figures)[];
  const points = samples.map((sample) => ({
    x: sample.at / MINUTE,
    args: [],
    sides: {
      tool: Object.fromEntries(
        names.map((name): [string, [number, number, number]] => [
          name,
          [sample[name], sample[name], sample[name]],
        ]),
      ),
    },
  }));
  const plot = {
    file: "endurance",
    series: "endurance",
    title: "A run that follows while tables come, lose their streams and go",
    x: "minutes",
    y: "MB, descriptors, KB",
    isDense: true,
    drawn: names.map((name) => ({ name: figures[name], side: "tool", figure: name })),
  };
  const { spec } = compile(specificationOf(plot, points) as TopLevelSpec);
  return `${withNight(await new View(parse(spec), { renderer: "none" }).toSVG())}\n`;
}
