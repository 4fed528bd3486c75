/**
 * `bun bench/series.ts [--through="flock FILE"] [--quick] [NAME…]`: measures the series of docs/performance.md, all or those that are named, and
 * keeps them in docs/performance/data. They take about a quarter of an hour together; nothing else should run meanwhile: each point is started
 * through the command that is given. `bun bench/plot.ts` draws them.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ownVersions, thisMachine } from "./machine.ts";
import { say } from "./main.ts";
import type { ManyReport } from "./many-report.ts";
import { megabytes, number, type Report } from "./report.ts";
import { type PointOf, SERIES } from "./series-list.ts";
import { type Point, type Series, type Sides, type Spread, writeSeries } from "./series-data.ts";

const BENCH = join(import.meta.dirname, "bench.ts");
const OXFMT = join(import.meta.dirname, "../node_modules/.bin/oxfmt");
const SECOND = 1_000;

const { values, positionals } = parseArgs({
  options: { through: { type: "string", default: "" }, quick: { type: "boolean", default: false } },
  allowPositionals: true,
});
const through = values.through.split(" ").filter(Boolean);

/** Ends what is being measured; what was measured before is kept. */
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));

/** For a first look one run of each will do. */
const argsOf = (args: string[]): string[] =>
  values.quick ? args.map((arg) => (arg.startsWith("--runs=") ? "--runs=1" : arg)) : args;

/** Throws what the benchmark says. */
async function measured({ x, line, args }: PointOf): Promise<{ point: Point; versions: Report["versions"] }> {
  const command = [...through, process.execPath, BENCH, ...argsOf(args), "--json"];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", signal: stop.signal });
  const [output, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(error.trim().split("\n").at(-1));
  const report = JSON.parse(output) as Report | ManyReport;
  const point = (sides: Sides): Point => ({ x, ...(line && { line }), args: argsOf(args), sides });
  return "rows" in report
    ? { point: point(sidesOf(report)), versions: report.versions }
    : { point: point({ tool: figuresOf(report) }), versions: {} };
}

function sidesOf({ sides, rows }: Report): Sides {
  return Object.fromEntries(
    sides.map((side) => [
      side,
      Object.fromEntries(
        rows.flatMap(({ name, sides }): [string, Spread][] => {
          const found = sides[side];
          return found === undefined ? [] : [[name, [found.median, found.min, found.max]]];
        }),
      ),
    ]),
  );
}

function figuresOf(report: ManyReport): Sides[string] {
  const once = (value: number): Spread => [value, value, value];
  return {
    copiedMs: once(report.copiedMs),
    followedMs: once(report.followedMs),
    restartMs: once(Math.max(report.restart.firstMs, report.restart.lastMs)),
    startCpuMs: once(report.startCpuMs),
    idlePercent: once(report.idleShare * 100),
    peakMb: once(megabytes(report.peakBytes)),
  };
}

async function measureSeries(name: string, points: PointOf[]): Promise<boolean> {
  const series: Series = {
    name,
    at: new Date().toISOString(),
    machine: thisMachine(),
    versions: ownVersions(),
    points: [],
  };
  let isWhole = true;
  for (const each of points) {
    const what = `${name} ${each.line ? `${each.line}, ` : ""}${each.x}`;
    const begun = performance.now();
    if (stop.signal.aborted) return false;
    try {
      const { point, versions } = await measured(each);
      series.points.push(point);
      Object.assign(series.versions, versions);
      execFileSync(OXFMT, [writeSeries(series)]);
      say(`${what}: ${number((performance.now() - begun) / SECOND)} s`);
    } catch (error) {
      isWhole = false;
      say(`${what}: left out: ${(error as Error).message}`);
    }
  }
  return isWhole;
}

const names = positionals.length > 0 ? positionals : Object.keys(SERIES);
const unknown = names.filter((name) => SERIES[name] === undefined);
if (unknown.length > 0) {
  say(`no series ${unknown.join(", ")}; there are ${Object.keys(SERIES).join(", ")}`);
  process.exit(2);
}
for (const name of names) if (!(await measureSeries(name, SERIES[name]!))) process.exitCode = 1;
