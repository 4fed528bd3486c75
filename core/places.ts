/** The tables' places at the target: made for those not begun yet, found again for the others. */
import type { RunCheckpoint, TableCheckpoint } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { planIndexes } from "./indexes.ts";
import type { Resumption } from "./roles.ts";
import type { Table } from "./types.ts";

/**
 * Makes a place for every table, each noted in the checkpoint before it is touched: after a crash a place half
 * made is known as ours, and what was there before as somebody's.
 *
 * @param ready what else has to be sure before the first place is touched
 * @throws MigrationError TARGET_EXISTS, or CHECKPOINT_MISMATCH when a place is no more what this migration made
 */
export async function makePlaces(
  ctx: Context,
  tables: Table[],
  run: RunCheckpoint,
  ready: () => Promise<void>,
): Promise<void> {
  const target = ctx.role("target");
  const places = tables.map((table) => ({ table, checkpoint: run.table(table) }));
  if (run.resumed) tellResumption(ctx, places);

  const toMake: (Place & { found: string | undefined })[] = [];
  const toResume: Place[] = [];
  for (const { table, checkpoint } of places) {
    const found = await target.find(table, ctx.signal);
    const { state } = checkpoint;
    if (state === undefined || state.stage === "making") toMake.push({ table, checkpoint, found });
    else if (found === state.made) toResume.push({ table, checkpoint });
    else throw lost(ctx, table, found);
  }
  refuseExisting(ctx, toMake);
  const inTheWay = toMake.filter(isTheirs).map(({ table }) => table);
  if (inTheWay.length > 0) await target.checkRoom?.(inTheWay, ctx.signal);
  if (toMake.length > 0) await ready();
  for (const { table, checkpoint } of toResume) await resume(ctx, table, checkpoint);
  for (const { table, checkpoint, found } of toMake) await make(ctx, table, checkpoint, found);
}

interface Place {
  table: Table;
  checkpoint: TableCheckpoint;
}

/** Whether what is there was there before this migration. */
function isTheirs({ checkpoint, found }: Place & { found: string | undefined }): boolean {
  return found !== undefined && (checkpoint.state === undefined || checkpoint.state.before === found);
}

function refuseExisting(ctx: Context, places: (Place & { found: string | undefined })[]): void {
  const existing = places.filter(isTheirs).map(({ table }) => table.targetName);
  if (existing.length === 0 || ctx.config["target.db.exist"] !== "") return;
  const tables = ctx.config["target.type"] === "aliyun_dynamo_proxy";
  throw new MigrationError(
    "TARGET_EXISTS",
    `the target has ${existing.join(", ")} already: ${ctx.role("target").place}`,
    {
      hint: tables
        ? "set target.db.exist = drop to delete what is there, or leave the table out with filter.collection.black"
        : "set target.db.exist to rename or drop, or choose another id",
    },
  );
}

async function make(
  ctx: Context,
  table: Table,
  checkpoint: TableCheckpoint,
  found: string | undefined,
): Promise<void> {
  const target = ctx.role("target");
  const theirs = isTheirs({ table, checkpoint, found });
  const units = ctx.role("source").units(table).length;
  await checkpoint.advance({
    stage: "making",
    targetName: table.targetName,
    units,
    ...(theirs && { before: found }),
    ...(table.id !== undefined && { source: table.id }),
  });
  if (theirs) await target.makeRoom(table, ctx.signal);
  await target.create(table, ctx.signal);
  const made = await target.find(table, ctx.signal);
  await checkpoint.advance({ stage: "copying", ...(made !== undefined && { made }) });
}

/** Takes up a table's counters and lets the target prepare for writing it on. */
async function resume(ctx: Context, table: Table, checkpoint: TableCheckpoint): Promise<void> {
  const units = takeUp(ctx, table, checkpoint);
  if (checkpoint.state?.stage === "done") return;
  const indexes = planIndexes(table, ctx.role("convert"), false);
  await ctx.role("target").resume(table, { units, indexes }, ctx.signal);
}

/** Takes up a table's counters; gives how far its units are. */
export function takeUp(ctx: Context, table: Table, checkpoint: TableCheckpoint): Resumption["units"] {
  const counters = ctx.progress.tables.get(table.name)!;
  const units = ctx
    .role("source")
    .units(table, checkpoint.state?.units)
    .map((unit) => {
      const { read, filtered, overflowed, bytes } = checkpoint.unit(unit) ?? NOTHING;
      counters.read += read;
      counters.filtered += filtered;
      counters.written += read - filtered;
      counters.overflowed += overflowed;
      counters.bytes += bytes;
      return { unit, written: read - filtered };
    });
  counters.resumed = counters.read;
  counters.resumedBytes = counters.bytes;
  return units;
}

const NOTHING = { read: 0, filtered: 0, overflowed: 0, bytes: 0 };

function tellResumption(ctx: Context, places: Place[]): void {
  const stages = places.map(({ checkpoint }) => checkpoint.state?.stage);
  const done = stages.filter((stage) => stage === "done").length;
  const begun = stages.filter((stage) => stage === "copying" || stage === "indexing").length;
  const { place } = ctx.role("checkpoint");
  ctx.log.info(
    `going on from the checkpoint: ${done} of ${places.length} tables done, ${begun} begun (${place})`,
  );
}

function lost(ctx: Context, { name, targetName }: Table, found: string | undefined): MigrationError {
  const what = found === undefined ? "is gone" : "is another one now";
  return new MigrationError(
    "CHECKPOINT_MISMATCH",
    `${targetName}, which this migration had begun to fill, ${what}: ${ctx.role("target").place}, table ${name}`,
    { hint: "start over with --fresh" },
  );
}
