/** Going on from a checkpoint as the original leaves it: its tables need no full phase. */
import type { RunCheckpoint } from "./checkpoint.ts";
import type { Config } from "./config.ts";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { styleOf } from "./number-style.ts";
import { forgetStream } from "./stream-checkpoint.ts";
import type { Table } from "./types.ts";

/** Where all streams together stand, as the original notes it. */
export type SyncStatus = "full_sync" | "incr_sync";

/** Notes where the run stands, for the original. */
export async function saveStatus(ctx: Context, status: SyncStatus): Promise<void> {
  await ctx.role("checkpoint").save("status", new Map([["status", status]]));
}

/** The part of the run's state that says a checkpoint was the original's. */
const RUN = "run";
const ADOPTED = "adopted";
const SAMPLE = 100;

/**
 * What the original has begun is gone on with as it began, with doubles for numbers, unless `convert.type` is given:
 * one collection isn't written in two styles.
 *
 * @param given the keys that the user gave
 * @returns the conversion to use
 */
export async function settleConversion(
  ctx: Context,
  given: ReadonlySet<string>,
  fresh: boolean,
): Promise<Config["convert.type"]> {
  const { config, log } = ctx;
  const set = config["convert.type"];
  if (config.sync_mode === "full" || fresh || given.has("convert.type") || set === "same") return set;
  const store = ctx.role("checkpoint");
  const run = await store.load(RUN);
  const theirs = isBegun(run) ? run.has(ADOPTED) : await isFollowed(ctx);
  if (!theirs || set === "mchange") return set;
  log.info("convert.type = mchange: it isn't set, and NimoShake's documents have doubles for numbers");
  return "mchange";
}

/** Whether there is a run of ours that isn't finished. */
function isBegun(run: Map<string, unknown>): boolean {
  const state = run.get(RUN) as { finishedAt?: string } | undefined;
  return state !== undefined && state.finishedAt === undefined;
}

async function isFollowed(ctx: Context): Promise<boolean> {
  return (await ctx.role("checkpoint").load("status")).get("status") === ("incr_sync" satisfies SyncStatus);
}

/**
 * Refuses what the original's checkpoint doesn't go together with, before anything is changed.
 *
 * @throws MigrationError CHECKPOINT_MISMATCH when a table isn't at the target, or was made by another conversion
 */
export async function checkOriginal(ctx: Context, tables: Table[], fresh: boolean): Promise<void> {
  const store = ctx.role("checkpoint");
  if (fresh || isBegun(await store.load(RUN)) || !(await isFollowed(ctx))) return;
  for (const table of tables) {
    if ((await store.load(`shards:${table.name}`)).size === 0) continue;
    if ((await ctx.role("target").find(table, ctx.signal)) === undefined) throw missing(ctx, table);
    await refuseOtherStyle(ctx, table);
  }
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

/**
 * Prepares the streams' part of a run that is begun anew: tables that the original follows already are done,
 * what is noted of the others is forgotten.
 *
 * @param fresh forgets everything
 */
export async function adoptOriginal(
  ctx: Context,
  tables: Table[],
  run: RunCheckpoint,
  fresh: boolean,
): Promise<void> {
  const store = ctx.role("checkpoint");
  const follows = !fresh && (await isFollowed(ctx));
  const adopted: string[] = [];
  for (const table of tables) {
    const rows = follows ? await store.load(`shards:${table.name}`) : undefined;
    if (rows === undefined || rows.size === 0) {
      await forgetStream(ctx, table);
      continue;
    }
    const made = await ctx.role("target").find(table, ctx.signal);
    const { targetName, id } = table;
    await run.table(table).advance({
      stage: "done",
      targetName,
      units: 0,
      ...(made !== undefined && { made }),
      ...(id !== undefined && { source: id }),
    });
    adopted.push(table.name);
  }
  if (!follows) await store.clear("status");
  if (adopted.length === 0) return;
  await store.save(RUN, new Map([[ADOPTED, { tables: adopted }]]));
  ctx.log.info(
    `going on from the checkpoint of NimoShake, without a full phase: ${adopted.join(", ")} (${store.place})`,
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
