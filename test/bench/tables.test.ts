/** The tables and plots of docs/performance.md: they are those of its data. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PLOTS, specificationOf, valuesOf, withNight } from "../../bench/plots.ts";
import { type Point, readSeries, type Series, type Spread } from "../../bench/series-data.ts";
import { SERIES } from "../../bench/series-list.ts";
import { tableOf, withTables } from "../../bench/tables.ts";

const DOCUMENT = join(import.meta.dirname, "../../docs/performance.md");
const once = (value: number): Spread => [value, value, value];

const point = (x: Point["x"], perSecond: number, more: Partial<Point> = {}): Point => ({
  x,
  args: [],
  sides: { tool: { perSecond: once(perSecond) } },
  ...more,
});
const seriesOf = (name: string, points: Point[]): Series => ({
  name,
  at: "2026-01-01T00:00:00.000Z",
  machine: { cpu: "a CPU", cores: 2, memoryGb: 8, platform: "linux x64" },
  versions: { "nimo-shake": "1" },
  points,
});

test("docs/performance.md has the tables of its data; bun bench/plot.ts writes them", () => {
  const document = readFileSync(DOCUMENT, "utf8");
  expect(withTables(document, readSeries)).toBe(document);
});

test("every series has its place there, and every plot", () => {
  const document = readFileSync(DOCUMENT, "utf8");
  for (const name of Object.keys(SERIES)) expect(document).toContain(`<!-- ${name} -->`);
  for (const { file } of PLOTS) expect(document).toContain(`(performance/${file}.svg)`);
});

test("a table has a row a point, and no column of which nothing is known", () => {
  expect(tableOf(seriesOf("shards", [point(1, 1234), point(16, 5)]))).toBe(
    [
      "| shards | records/s |",
      "| ------ | --------- |",
      "| 1      | 1,234     |",
      "| 16     | 5         |",
    ].join("\n"),
  );
});

test("what a key does is told against the first point of its phase", () => {
  const points = [
    point("conf.version=4", 100),
    point("a=1", 90),
    point("conf.version=4", 10, { line: "incr" }),
    point("b=2", 15, { line: "incr" }),
  ];
  const changes = tableOf(seriesOf("keys", points))
    .split("\n")
    .slice(2)
    .map((line) => line.split("|")[4]!.trim());
  expect(changes).toEqual(["", "-10 %", "", "+50 %"]);
});

describe("a document", () => {
  const document = "a\n\n<!-- shards -->\n<!-- /shards -->\n\nb\n\n<!-- items -->\nkept\n<!-- /items -->\n";

  test("gets the tables that there are, as often as one likes, and keeps the others", () => {
    const find = (name: string): Series | undefined =>
      name === "shards" ? seriesOf(name, [point(1, 7)]) : undefined;
    const after = withTables(document, find);
    expect(after).toContain("| 1      | 7         |");
    expect(after).toContain("2026-01-01, 2 × a CPU, 8 GB, nimo-shake 1");
    const again = withTables(after, (name) => find(name) && seriesOf(name, [point(2, 8)]));
    expect(again).toContain("| 2      | 8         |");
    expect(again).not.toContain("| 1      | 7         |");
    expect(after).toContain("kept");
    expect(withTables(after, find)).toBe(after);
  });
});

describe("a plot", () => {
  const plot = {
    file: "p",
    series: "s",
    title: "t",
    x: "x",
    y: "seconds",
    drawn: [
      { name: "one", line: "1", side: "tool", figure: "perSecond", times: 0.5 },
      { name: "other", side: "floor", figure: "perSecond" },
    ],
  };

  test("draws the points that have its figure, of its line", () => {
    const points = [point(1, 10, { line: "1" }), point(2, 10, { line: "2" })];
    expect(valuesOf(plot, points)).toEqual([{ x: 1, y: 5, name: "one" }]);
  });

  test("is dark for who reads in the dark: every colour of its own has another one", () => {
    const colours = JSON.stringify(specificationOf(plot, [])).match(/#[0-9a-f]{6}/g)!;
    const svg = withNight(`<svg width="1">${colours.map((each) => `<a fill="${each}"/>`).join("")}</svg>`);
    const lines = colours.filter((each) => !svg.includes(`[fill="${each}"]`));
    // Those of the lines themselves are legible on both.
    expect(new Set(lines).size).toBe(3);
    expect(svg.startsWith('<svg width="1"><style>@media (prefers-color-scheme: dark)')).toBeTrue();
  });
});
