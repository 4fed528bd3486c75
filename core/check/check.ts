/** The command `check`: connects to everything, finds what a start would find, and changes nothing. */
import { availableParallelism } from "node:os";
import { describePlaces } from "../config/places.ts";
import { toMigrationError } from "../errors.ts";
import { hearing } from "../flow/attempt.ts";
import type { Context } from "../plugin/context.ts";
import type { Inspection } from "../plugin/roles.ts";
import { trackTable } from "../progress/progress.ts";
import { findTables } from "../run/prepare.ts";
import { fillConversion, fillSides } from "../run/fill-roles.ts";
import type { MigrateOptions } from "../run/run.ts";
import { inSession } from "../run/session.ts";
import { checkTables, findStart } from "../run/start.ts";
import { tablesToJoin } from "../run/tables-to-join.ts";
import type { Place } from "../run/place.ts";
import { createUnready, sayDeleted } from "../run/unready-tables.ts";
import type { Table } from "../types.ts";
import type { Sample } from "../verify/sample.ts";
import { type Answers, askRoles, inspectSpool } from "./ask.ts";
import { estimateAll, type Pace } from "./estimate.ts";
import { findLease } from "./lease.ts";
import { listeningLog } from "./listening-log.ts";
import type { CheckpointPlan, Plan, Problem } from "./plan.ts";
import { createProblems, problemOf, type Problems } from "./problems.ts";
import { addProfiles } from "./profiles.ts";
import { missingRights, rightsOf } from "./rights.ts";
import { describeStart, runOf } from "./start.ts";
import { isCopied, planTables } from "./tables.ts";
import { warningsOf } from "./warnings.ts";

const SECOND = 1000;
/** A call that fails is made again for so long: who checks waits for an answer. */
const PATIENCE = 10 * SECOND;

/** What {@link runCheck} takes. */
export interface CheckOptions extends Omit<MigrateOptions, "onFullDone" | "onVerified" | "fresh" | "again"> {
  /** Reads so many items of each table; undefined: none. */
  profile?: Sample | undefined;
  /** The process that has the pid file, and why it is in the way. */
  process?: { found: CheckpointPlan["process"]; problem?: Problem | undefined } | undefined;
  /** What was warned of already. */
  warnings?: readonly string[];
}

/**
 * Makes the plan. A side that can't be reached is a problem in it, and so is all that would refuse a start.
 *
 * @throws MigrationError plugins that can't be used, or the stop by the signal
 */
export function runCheck(options: CheckOptions): Promise<Plan> {
  const warnings = new Set(options.warnings);
  const log = listeningLog(options.log, (warning) => void warnings.add(warning));
  return inSession({ patience: PATIENCE, ...options, log, migrates: false }, async ({ ctx, config }) => {
    const problems = createProblems(ctx.signal);
    const { hear, list } = problems;
    if (options.process?.problem !== undefined) problems.add(options.process.problem);
    await fillSides(ctx, options);
    // Two sides that are away are waited for at the same time.
    const [target, checkpoint] = await Promise.all([
      hear(async () => ({ is: await ctx.role("target").inspect?.([], ctx.signal) })),
      hear(async () => ({ is: await ctx.role("checkpoint").inspect?.([], ctx.signal) })),
      fillConversion(ctx, config, options, hear),
    ]);
    const { tables, joining } = await tablesOf(ctx, problems, warnings);
    const begun = tables.filter((table) => !joining.has(table));
    const answers = await askRoles(ctx, tables, begun, problems);
    await checkTables(ctx, begun, hear);
    const lease = (await hear(() => findLease(ctx, problems))) ?? null;
    const start = await hear(() => findStart(ctx, begun, { fresh: false }, hear));
    for (const table of joining) {
      const found = await checkJoining(ctx, begun, table, warnings);
      start?.places.push(...found.places);
      answers.streams?.toEnable.push(...found.toEnable);
    }
    const rights = [
      ...rightsOf("source", [answers.source, answers.streams]),
      ...rightsOf("target", [answers.target]),
      ...rightsOf("checkpoint", [answers.checkpoint, await inspectSpool(config)]),
    ];
    for (const problem of missingRights(rights)) problems.add(problem);
    const said: (Inspection | undefined)[] = Object.values(answers);
    for (const warning of said.flatMap((each) => each?.warnings ?? [])) warnings.add(warning);

    const pace: Pace = { config, roundTrip: answers.source?.roundTrip, cores: availableParallelism() };
    const plans = await planTables(ctx, tables, { start, answers, pace }, hear);
    if (options.profile !== undefined) {
      await addProfiles(ctx, tables, plans, options.profile, problems, warnings);
    }
    const copied = plans.filter(isCopied);
    const estimate = estimateAll(
      copied.map((plan) => ({ ...plan, ...plan.left })),
      pace,
    );
    for (const warning of warningsOf({ config, tables, plans, copied, estimate })) warnings.add(warning);
    const run = runOf(start?.checkpoint.found);
    const resumed = start?.checkpoint.resumed;
    return {
      id: config.id,
      syncMode: config.sync_mode,
      convertType: config["convert.type"],
      memoryLimit: config["memory.limit"],
      ...sidesOf(ctx, { tables, answers, list, isTargetThere: target !== undefined }),
      checkpoint: {
        place: ctx.role("checkpoint").place,
        reached: checkpoint !== undefined,
        run,
        lease,
        process: options.process?.found ?? null,
      },
      start: describeStart({ config, tables: plans, problems: list, resumed, run }),
      tables: plans,
      estimate,
      rights,
      warnings: [...warnings],
      problems: list,
    };
  });
}

/** With these nobody answers, whichever table is asked for. */
const AWAY: ReadonlySet<string> = new Set(["SOURCE_UNREACHABLE", "SOURCE_THROTTLED"]);

/** A table that joins a run when the others are followed: what is in its way refuses no start, and leaves it out. */
async function checkJoining(
  ctx: Context,
  begun: Table[],
  table: Table,
  warnings: Set<string>,
): Promise<{ places: Place[]; toEnable: readonly string[] }> {
  const hear = hearing((thrown) => {
    ctx.signal.throwIfAborted();
    const { code, message } = toMigrationError(thrown);
    warnings.add(`${table.name} is left out until this is mended, the others go on: [${code}] ${message}`);
  });
  await checkTables(ctx, [...begun, table], hear);
  const streams = await hear(() => ctx.role("streams").inspect?.([table], ctx.signal));
  for (const refusal of streams?.refusals ?? []) await hear(() => Promise.reject(refusal));
  const start = await hear(() => findStart(ctx, [table], { fresh: false, joins: true }, hear));
  return { places: start?.places ?? [], toEnable: streams?.toEnable ?? [] };
}

/** The tables, those too that join a run later; single ones that can't be read are left out. */
async function tablesOf(
  ctx: Context,
  { hear, list, add }: Problems,
  warnings: Set<string>,
): Promise<{ tables: Table[]; joining: Set<Table> }> {
  let joining = new Set<Table>();
  const single: Problem[] = [];
  let isAnswered = false;
  const attempt = async <T>(step: () => T | PromiseLike<T>): Promise<T | undefined> => {
    try {
      const result = await step();
      isAnswered = true;
      return result;
    } catch (thrown) {
      const error = toMigrationError(thrown);
      // What has never answered may be no source at all.
      const isAway = AWAY.has(error.code) || (error.code === "SOURCE_FAILED" && !isAnswered);
      if (ctx.signal.aborted || isAway) throw error;
      single.push(problemOf(error));
      return undefined;
    }
  };
  const unready = createUnready(ctx, false, attempt);
  const settle = async (found: Table[]): Promise<Table[]> => {
    const settled = await unready.settle(found);
    for (const warning of [...settled.leftOut, ...settled.deleted.map(sayDeleted)]) warnings.add(warning);
    return settled.tables;
  };
  const tables = await hear(() =>
    findTables(ctx, { attempt: unready.attempt, settle }, async (wanted) => {
      joining = (await hear(() => tablesToJoin(ctx, wanted, false))) ?? joining;
      return wanted;
    }),
  );
  // That there is none left isn't news then.
  if (tables === undefined && single.length > 0 && list.at(-1)?.code === "TABLE_MISSING") list.pop();
  // Who may see some tables isn't kept from all by wrong credentials: a start would fail with these.
  const isReached = (tables ?? []).length > 0;
  for (const each of single) add({ ...each, refuses: each.refuses || isReached });
  for (const table of tables ?? []) trackTable(ctx.progress, table);
  return { tables: tables ?? [], joining };
}

interface Found {
  tables: Table[];
  answers: Answers;
  list: readonly Problem[];
  isTargetThere: boolean;
}

/** Both sides. */
function sidesOf(
  { config }: Context,
  { tables, answers, list, isTargetThere }: Found,
): Pick<Plan, "source" | "target"> {
  const places = describePlaces(config);
  const { region = null, account = null } = answers.source ?? {};
  const { product = null, version = null, kind = null } = answers.target ?? {};
  const isSourceAway = list.some(({ code, refuses }) => code.startsWith("SOURCE_") && !refuses);
  return {
    source: { place: places.source, region, account, reached: tables.length > 0 || !isSourceAway },
    target: {
      type: config["target.type"],
      place: places.target,
      product,
      version,
      kind,
      reached: isTargetThere,
    },
  };
}
