/** From a run of the tool to its figures, with what its report tells of where the time went. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Report as ToolReport } from "../core/report/report.ts";
import type { Sample } from "./measures.ts";
import { megabytes, perSecond } from "./report.ts";
import type { Asked, ToolResult } from "./run-tool.ts";
import { ID } from "./tool.ts";

const fileIn = (cwd: string): string => join(cwd, `${ID}-report.json`);

/** Before a run: what is there after it is its own. */
export function forgetReport(cwd: string): void {
  rmSync(fileIn(cwd), { force: true });
}

/** What every run gives. */
export function sampleOf(result: ToolResult<Asked>, items: number): Sample {
  return {
    perSecond: perSecond(items, result.wallMs),
    wallMs: result.wallMs,
    pureMs: result.pureMs,
    cpuUs: result.cpuUs / items,
    peakMb: megabytes(result.peakBytes),
  };
}

/** Where the time went; nothing when the tool has left no report that tells. */
export function sharesIn(cwd: string): Sample {
  let report: Partial<ToolReport>;
  try {
    report = JSON.parse(readFileSync(fileIn(cwd), "utf8")) as Partial<ToolReport>;
  } catch {
    return {};
  }
  return { ...sharesOf(report), ...phasesOf(report) };
}

/** How long it copied and how long it waited for the indexes. */
function phasesOf({ durations }: Partial<ToolReport>): Sample {
  const { copySeconds, indexSeconds } = durations ?? {};
  return {
    ...(typeof copySeconds === "number" && { insertMs: copySeconds * 1_000 }),
    ...(typeof indexSeconds === "number" && { indexMs: indexSeconds * 1_000 }),
  };
}

/** The same of a report. */
export function sharesOf({ tables = [], process }: Pick<Partial<ToolReport>, "tables" | "process">): Sample {
  const stages = tables.flatMap(({ thisProcess, changes }) =>
    [thisProcess.stages ?? [], changes?.stages ?? []].flat(),
  );
  const sum = (stage: "fetchSeconds" | "convertSeconds" | "writeSeconds"): number =>
    stages.reduce((total, each) => total + each[stage], 0);
  const [fetch, convert, write] = [sum("fetchSeconds"), sum("convertSeconds"), sum("writeSeconds")];
  const all = fetch + convert + write;
  const percent = (part: number, whole: number): number => (part / whole) * 100;
  const idle = process?.idleSeconds ?? undefined;
  return {
    ...(all > 0 && {
      fetchShare: percent(fetch, all),
      convertShare: percent(convert, all),
      writeShare: percent(write, all),
    }),
    ...(idle !== undefined && process !== undefined && { idleShare: percent(idle, process.seconds) }),
  };
}
