/** Going on from a checkpoint as NimoShake leaves it: its tables need no full phase. */
import type { Config } from "../config/config.ts";
import { inParallel, valuesOf } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { describeKey } from "../schema/keys.ts";
import { styleOf } from "./convert-style.ts";
import type { Adopted, RunState } from "../checkpoint/run-state.ts";
import type { Table } from "../types.ts";
import type { TargetLook } from "./target-looks.ts";
import { isFollowed, isOriginals } from "../checkpoint/nimoshake-status.ts";

const RUN = "run";
/** How an older version said that a checkpoint was NimoShake's. */
const ADOPTED = "adopted";
/** Tables looked at at once. */
const LOOKS = 8;
const SAMPLE = 100;

/**
 * What NimoShake has begun is gone on with as it began, with doubles for numbers, unless `convert.type` is given:
 * one collection isn't written in two styles. A run of our own is never taken for NimoShake's.
 *
 * @param given the keys that the user gave
 * @returns the conversion to use
 */
export async function chooseConversion(
  ctx: Context,
  given: ReadonlySet<string>,
  fresh: boolean,
): Promise<Config["convert.type"]> {
  const { config, log } = ctx;
  const set = config["convert.type"];
  if (config.sync_mode === "full" || fresh || given.has("convert.type") || set === "same") return set;
  const [loaded, followed] = await Promise.allSettled([ctx.role("checkpoint").load(RUN), isFollowed(ctx)]);
  const [parts] = valuesOf([loaded]);
  const run = parts.get(RUN) as Partial<RunState> | undefined;
  const adopted = run?.id === undefined ? parts.has(ADOPTED) : run.adopted !== undefined;
  const theirs = run === undefined ? valuesOf([followed])[0] : adopted;
  if (!theirs || set === "mchange") return set;
  log.info("convert.type = mchange: it isn't set, and NimoShake's documents have doubles for numbers");
  return "mchange";
}

/**
 * The tables that NimoShake follows, with the states in which they are taken over: they are copied. Changes nothing.
 *
 * @param followed whether it follows at all
 * @param find what is at the target
 * @throws MigrationError CHECKPOINT_MISMATCH when a table isn't at the target, or was made by another conversion
 */
export async function findNimoShake(
  ctx: Context,
  tables: Table[],
  followed: Promise<boolean>,
  find: TargetLook,
): Promise<Adopted[]> {
  if (tables.length === 0 || !(await followed)) return [];
  const adopted = await inParallel(tables, LOOKS, async (table): Promise<Adopted | undefined> => {
    if (!(await isOriginals(ctx, table, followed))) return undefined;
    const made = await find(table);
    if (made === undefined) throw missing(ctx, table);
    await refuseOtherStyle(ctx, table);
    const { name, targetName, id: source } = table;
    return {
      table: name,
      state: {
        stage: "done",
        targetName,
        units: 0,
        made,
        ...(source !== undefined && { source }),
        key: describeKey(table),
        noted: true,
      },
    };
  });
  return adopted.filter((each) => each !== undefined);
}

/**
 * Refuses to begin tables anew whose positions are where NimoShake keeps them, but not where this checkpoint looks. Asks
 * only where none is found; changes nothing.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH
 */
export async function refuseElsewhere(
  ctx: Context,
  tables: Table[],
  followed: Promise<boolean>,
): Promise<void> {
  const checkpoint = ctx.role("checkpoint");
  if (checkpoint.elsewhere === undefined || (await followed)) return;
  const found = await checkpoint.elsewhere(tables);
  if (found === undefined) return;
  throw new MigrationError(
    "CHECKPOINT_MISMATCH",
    `NimoShake follows these tables from another checkpoint, ${found.place}, and they would be copied anew: ${checkpoint.place}`,
    { hint: `${found.settings} to go on from it, or start over with --fresh` },
  );
}

/** Refuses documents that were made by another conversion. */
async function refuseOtherStyle(ctx: Context, table: Table): Promise<void> {
  const documents = (await ctx.role("target").sample?.(table, SAMPLE, ctx.signal)) ?? [];
  const found = styleOf(documents);
  const set = ctx.config["convert.type"];
  if (found === undefined || found === set) return;
  throw new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the documents there look like convert.type = ${found}, and it is ${set}: table ${table.name}`,
    { hint: `set convert.type = ${found} to go on, or start over with --fresh` },
  );
}

function missing(ctx: Context, { name, targetName }: Table): MigrationError {
  const { place } = ctx.role("target");
  return new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the checkpoint says that ${targetName} is copied, but it isn't there: ${place}, table ${name}`,
    { hint: "see whether id and target.address are right, or start over with --fresh" },
  );
}
