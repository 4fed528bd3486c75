/** What a start would do, in one sentence. */
import type { Config } from "../config/config.ts";
import type { RunState } from "../checkpoint/run-state.ts";
import type { CheckpointPlan, Problem, StartPlan, TablePlan } from "./plan.ts";

/** What it is made of. */
export interface StartFacts {
  config: Config;
  tables: TablePlan[];
  problems: Problem[];
  /** Whether it goes on with an earlier run; undefined: the checkpoint couldn't be read. */
  resumed: boolean | undefined;
  /** The earlier run that was found. */
  run: CheckpointPlan["run"];
}

/** Says it. */
export function describeStart({ config, tables, problems, resumed, run }: StartFacts): StartPlan {
  const refused = problems.some(({ refuses }) => refuses);
  const isKnown = resumed !== undefined && tables.length > 0 && tables.every(({ action }) => action !== null);
  if (!isKnown) {
    const text = "not known before the rest can be asked";
    return { does: "unknown", refused, text };
  }
  const count = (action: TablePlan["action"]): number =>
    tables.filter((table) => table.action === action).length;
  const [copies, goesOn, taken] = [count("copy"), count("go on"), count("take over")];
  const follows = config.sync_mode !== "full";
  const parts = [
    copies > 0 && `copies ${tablesOf(copies)}${config.sync_schema_only ? ", their indexes only" : ""}`,
    goesOn > 0 && `goes on copying ${tablesOf(goesOn)}`,
    taken > 0 && `takes over ${tablesOf(taken)} from NimoShake without a copy`,
    copies + goesOn + taken === 0 && !follows && "finds nothing left to copy",
    follows && (copies + goesOn > 0 ? "then follows their streams" : `follows ${streamsOf(tables)}`),
  ].filter((part) => part !== false);
  const does = copies + goesOn === 0 ? (follows ? "follow" : "nothing") : resumed ? "go on" : "copy";
  return { does, refused, text: `${howBegun(resumed, run)}: ${parts.join(", ")}` };
}

/** The part of a run's state that is shown. */
export function runOf(found: RunState | undefined): CheckpointPlan["run"] {
  if (found === undefined) return null;
  const { startedAt, copiedAt = null, finishedAt = null } = found;
  return { startedAt, copiedAt, finishedAt };
}

function howBegun(resumed: boolean, run: CheckpointPlan["run"]): string {
  if (run === null) return "begins anew";
  if (resumed) return `goes on with the run of ${run.startedAt}`;
  return run.finishedAt === null
    ? `begins anew, the run of ${run.startedAt} has nothing to do with it`
    : `begins anew, for the run of ${run.startedAt} is finished`;
}

function streamsOf(tables: TablePlan[]): string {
  const now = tables.filter(({ followsFrom }) => followsFrom === "now").length;
  const of = `the streams of ${tablesOf(tables.length)}`;
  if (now === 0) return of;
  return now === tables.length ? `${of} from now on` : `${of}, ${now} of them from now on`;
}

function tablesOf(count: number): string {
  return `${count} ${count === 1 ? "table" : "tables"}`;
}
