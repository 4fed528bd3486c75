/**
 * `bun bench/dearest.ts --per=300000 BEFORE.cpuprofile AFTER.cpuprofile`: the ten functions that took most time in each, in µs an item,
 * side by side. `bench.ts --profile=FOLDER` makes such files.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { refuse, wholeNumber } from "./flags.ts";
import { number } from "./report.ts";

const HELP = "bun bench/dearest.ts --per=ITEMS FILE.cpuprofile [FILE.cpuprofile …]";
const SHOWN = 10;
/** A sample is taken every millisecond, of a thread that runs: what lies between two of them beyond that is waiting. */
const SAMPLE_US = 1_000;

/** What a browser's developer tools read, as far as it is of use here. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  /** The node of each sample. */
  samples: number[];
  /** The time since the sample before, in µs. */
  timeDeltas: number[];
}

/** A function and the time spent in itself, in µs. */
export type Cost = [name: string, us: number];

/** All functions, the dearest first. Those of one name are apart by their files; the runtime's have none. */
export function costs({ nodes, samples, timeDeltas }: CpuProfile): Cost[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const sums = new Map<string, number>();
  samples.forEach((id, at) => {
    const name = names.get(id)!;
    sums.set(name, (sums.get(name) ?? 0) + Math.min(timeDeltas[at]!, SAMPLE_US));
  });
  return [...sums].sort(([, one], [, other]) => other - one);
}

function nameOf({ functionName, url }: CpuProfile["nodes"][number]["callFrame"]): string {
  const [, file = ""] = /([^/]+)$/.exec(url) ?? [];
  const name = functionName === "" || functionName === "(anonymous)" ? "anonymous" : functionName;
  return file === "" ? name : `${name}, ${file}`;
}

/** A row of a Markdown table for each rank, two columns for each profile; all of it together at the end. */
export function table(profiles: CpuProfile[], per: number): string {
  const found = profiles.map(costs);
  const us = (sum: number): string => number(sum / per, 2);
  const rows = Array.from({ length: SHOWN }, (_, rank) => found.flatMap((each) => cells(each[rank])));
  const all = found.flatMap((each) => cells(["all", each.reduce((sum, [, one]) => sum + one, 0)]));
  return [...rows, all].map((row) => `| ${row.join(" | ")} |`).join("\n");

  function cells(cost: Cost | undefined): [string, string] {
    return cost === undefined ? ["", ""] : [cost[0], us(cost[1])];
  }
}

if (import.meta.main) {
  try {
    const { values, positionals } = parseArgs({
      options: { per: { type: "string", default: "1" } },
      allowPositionals: true,
    });
    const per = wholeNumber("per", values.per, 1, Number.MAX_SAFE_INTEGER);
    if (positionals.length === 0) throw new Error("which profiles?");
    const profiles = positionals.map((path) => JSON.parse(readFileSync(path, "utf8")) as CpuProfile);
    console.log(table(profiles, per));
  } catch (error) {
    refuse(error, HELP);
  }
}
