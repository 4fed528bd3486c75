/** The plan that `check` has made, for people; the problems come last, where they are seen. */
import { sizeText } from "../../core/config/value-types.ts";
import { withStrings } from "../../core/config/redact.ts";
import { fewOf } from "../../core/progress/quantities.ts";
import { type LeasePlan, type Plan, type Problem } from "../../core/check/plan.ts";
import { profilesLines } from "./plan-profile.ts";
import { plainText } from "../log/plain-text.ts";
import { estimateLines, indexLines, tableLines } from "./plan-tables.ts";

/** Of more tables only the largest are shown one by one. */
const MOST_TABLES = 25;
const MOST_WARNINGS = 40;
/** Of problems that differ by their table only. */
const MOST_ALIKE = 3;
const MIN_WIDTH = 60;
/** Where no terminal says it. */
const WIDTH = 120;

/** Where it is shown. */
export interface PlanTextOptions {
  /** The columns there are; default 120. */
  width?: number | undefined;
  isTTY?: boolean;
}

/** All of the plan; no line break at the end. */
export function planText(found: Plan, { width = WIDTH, isTTY = false }: PlanTextOptions = {}): string {
  const plan = withStrings(found, plainText);
  const wide = Math.max(MIN_WIDTH, width);
  const largest = plan.tables.toSorted((a, b) => b.bytes - a.bytes).slice(0, MOST_TABLES);
  const sections = [
    headLines(plan),
    plan.tables.length > 0 ? tableLines(plan, largest, { width: wide, isTTY }) : [],
    indexLines(plan, largest),
    plan.tables.length > 0 ? estimateLines(plan.estimate) : [],
    rightLines(plan),
    profilesLines(plan.tables, { width: wide, isTTY }),
    warningLines(plan),
    problemLines(plan),
  ];
  const texts = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return texts
    .join("\n\n")
    .split("\n")
    .flatMap((line) => wrapped(line, wide))
    .join("\n");
}

function headLines(plan: Plan): string[] {
  const { source, target, checkpoint, start } = plan;
  const account = source.account === null ? "" : `, account ${source.account}`;
  const region = source.region === null || source.place.includes(source.region) ? "" : `, ${source.region}`;
  const product = [target.product, target.version].filter((part) => part !== null).join(" ");
  const is = [product, target.kind].filter((part) => part !== null && part !== "").join(", ");
  const away = (reached: boolean): string => (reached ? "" : ": NOT REACHED");
  return [
    `check of ${plan.id}, sync_mode = ${plan.syncMode}, convert.type = ${plan.convertType}; nothing is changed`,
    "",
    `source      ${source.place}${region}${account}${away(source.reached)}`,
    `target      ${target.place}${is === "" ? "" : `: ${is}`}${away(target.reached)}`,
    `checkpoint  ${checkpoint.place}: ${checkpointText(plan)}`,
    `memory      ${sizeText(plan.memoryLimit)} at most of what is read and not written yet (memory.limit), and about 130 MB beside`,
    `a start     ${start.refused ? `WOULD BE REFUSED, see the problems; without them: ` : ""}${start.text}`,
  ];
}

function checkpointText({ checkpoint: { reached, run, lease, process } }: Plan): string {
  if (!reached) return "NOT REACHED";
  const what =
    run === null
      ? "nothing of an earlier run"
      : `a run begun at ${run.startedAt}${run.finishedAt === null ? (run.copiedAt === null ? ", not copied to its end" : ", copied") : ", finished"}`;
  const pid =
    process === null
      ? ""
      : `; ${process.file} is of process ${process.pid}, which ${process.running ? "runs" : "is gone"}`;
  return `${what}; ${leaseText(lease)}${pid}`;
}

function leaseText(lease: LeasePlan | null): string {
  if (lease === null) return "nobody has the lease";
  const who = `process ${lease.pid} on host ${lease.host} since ${lease.since}`;
  const states: Record<LeasePlan["state"], string> = {
    running: "and it runs",
    dead: "and it is gone: a start takes it",
    expired: `renewed ${lease.ageSeconds} s ago, and has expired: a start takes it`,
    silent: `renewed ${lease.ageSeconds} s ago: a start waits until it has expired, or is renewed`,
  };
  return `the lease is that of ${who}, ${states[lease.state]}`;
}

/** What holds for several actions in the same way is said once. */
function rightLines({ rights }: Plan): string[] {
  const groups = new Map<string, Plan["rights"]>();
  for (const right of rights) {
    const { side, state, on, purpose, why } = right;
    const key = JSON.stringify(state === "granted" ? [side, state] : [side, state, on, purpose, why]);
    groups.set(key, [...(groups.get(key) ?? []), right]);
  }
  const order: Plan["rights"][number]["state"][] = ["granted", "untested", "missing"];
  const lines = [...groups.values()]
    .toSorted(([a], [b]) => order.indexOf(a!.state) - order.indexOf(b!.state))
    .map((group) => rightLine(group));
  return lines.length === 0 ? [] : ["rights", ...lines];
}

function rightLine(group: Plan["rights"]): string {
  const { side, state, on, purpose, isNeeded, why } = group[0]!;
  const actions = [...new Set(group.map(({ action }) => action))].join(", ");
  if (state === "granted") return `  ${side}: granted ${actions}`;
  const what = `${actions} on ${fewOf(on, 3)}, to ${purpose}`;
  const because = why === undefined ? "" : `: ${why}`;
  if (state === "untested") return `  ${side}: untested ${what}${because}`;
  return `  ${side}: NOT GRANTED ${what}${because}${isNeeded ? "" : "; not needed now"}`;
}

function warningLines({ warnings }: Plan): string[] {
  if (warnings.length === 0) return [];
  const more = warnings.length - MOST_WARNINGS;
  return [
    `warnings (${warnings.length})`,
    ...warnings.slice(0, MOST_WARNINGS).map((each) => `  - ${each}`),
    ...(more > 0 ? [`  and ${more} more, see --json`] : []),
  ];
}

function problemLines({ problems }: Plan): string[] {
  if (problems.length === 0) return ["no problem was found"];
  const refused = problems.some(({ refuses }) => refuses);
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    // An error's place stands behind its last colon.
    const key = JSON.stringify([problem.code, problem.hint, problem.message.replace(/: [^:]*$/, "")]);
    groups.set(key, [...(groups.get(key) ?? []), problem]);
  }
  return [
    `PROBLEMS (${problems.length}): ${refused ? "a start would be refused" : "not everything could be asked"}`,
    ...[...groups.values()].flatMap((alike) => [
      ...alike
        .slice(0, MOST_ALIKE)
        .map(({ code, message }) => `  [${code}] ${message.replaceAll("\n", "\n    ")}`),
      ...(alike.length > MOST_ALIKE ? [`  and ${alike.length - MOST_ALIKE} more like that`] : []),
      ...(alike[0]!.hint === null ? [] : [`    hint: ${alike[0]!.hint}`]),
    ]),
  ];
}

/** A line cut at blanks, its rest indented; tables' lines and long words stay as they are. */
function wrapped(line: string, width: number): string[] {
  if (line.length <= width || /^[|+│┌├└─]/u.test(line)) return [line];
  const indent = `${/^ */.exec(line)![0]}  `;
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    let at = rest.lastIndexOf(" ", width);
    // A word that is longer than a line has one of its own.
    if (at < indent.length) at = rest.indexOf(" ", indent.length);
    if (at < 0) break;
    lines.push(rest.slice(0, at));
    rest = indent + rest.slice(at + 1);
  }
  return [...lines, rest];
}
