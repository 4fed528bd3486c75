/** The tables' places at the target: made for those not begun yet, found again for the others. */
import type { RunCheckpoint, TableMaking, TableState } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { checkedUnits } from "../plugin/returned.ts";
import { type CopyStart, unreached } from "../checkpoint/copy-start.ts";
import { MigrationError } from "../errors.ts";
import { startOver } from "../checkpoint/going-on.ts";
import { type Beginning, isTheirs, isToMake, type Place, refuseExisting } from "./place.ts";
import { planIndexes } from "../schema/indexes.ts";
import { describeKey } from "../schema/keys.ts";
import { type Attempt, orThrow } from "../flow/attempt.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Adopted } from "../checkpoint/run-state.ts";
import { isUnwritten, refuseLost } from "../incr/stream-start.ts";
import { notesOf } from "../progress/table-notes.ts";
import { takeUp } from "./take-up.ts";
import { lookNow, type TargetLook } from "./target-looks.ts";
import type { SegmentUnit, Table } from "../types.ts";

/** Tables that are looked at, and whose places are made, at once. */
const LOOKS = 32;
const MAKES = 32;

/**
 * Looks at the place of every table, and changes nothing.
 *
 * @param adopted tables that are about to be taken over
 * @param attempt who hears of each refusal; default: the first of them is thrown
 * @param find what is at the target; default: it is asked now
 * @throws MigrationError TARGET_EXISTS, CHECKPOINT_MISMATCH when a place is no more what this migration made, or
 * STREAM_GAP
 */
export async function findPlaces(
  ctx: Context,
  tables: Table[],
  run: RunCheckpoint,
  adopted: Adopted[],
  { fresh, joins = false }: Beginning,
  attempt: Attempt = orThrow,
  find: TargetLook = lookNow(ctx),
): Promise<Place[]> {
  const taken = new Map(adopted.map(({ table, state }) => [table, state]));
  const looked = new Map<Table, Place>();
  await inParallel(tables, LOOKS, (table) =>
    attempt(async () => {
      const checkpoint = run.table(table);
      const state = taken.get(table.name) ?? checkpoint.state;
      const found = await find(table);
      const place = { table, checkpoint, state, found, joins };
      looked.set(table, place);
      // For a table that it only followed an older version didn't note what was at the target.
      const isKnown = state?.made !== undefined || state?.stage !== "done";
      if (!isToMake(place) && isKnown && found !== state?.made) throw lost(ctx, table, found);
    }),
  );
  const places = tables.flatMap((table) => looked.get(table) ?? []);
  if (ctx.config.sync_mode === "incr") await attempt(() => refuseUnfinished(ctx, places, isCopying(run)));
  if (ctx.config.sync_mode !== "full") await refuseGaps(ctx, places, attempt);
  if (ctx.config.sync_mode !== "incr") {
    const toMake = places.filter(isToMake);
    for (const { table } of toMake) await attempt(() => void unitsOf(ctx, table));
    const finishedBefore = run.resumed ? undefined : run.found?.finishedAt;
    await attempt(() => refuseExisting(ctx, toMake, finishedBefore, fresh));
    const inTheWay = toMake.filter(isTheirs).map(({ table }) => table);
    if (inTheWay.length > 0) await attempt(() => ctx.role("target").checkRoom?.(inTheWay, ctx.signal));
  }
  return places;
}

/** The states in which the tables are noted that are to be made, and of which nothing is kept yet. */
export function firstStates(ctx: Context, places: Place[]): Map<Table, TableMaking> {
  const fresh = places.filter(({ state }) => state === undefined);
  return new Map(fresh.map((place) => [place.table, makingOf(ctx, place)]));
}

/**
 * Makes a place for every table that has none, each noted in the checkpoint before it is touched: after a crash a place
 * half made is known as ours, and what was there before as somebody's.
 */
export async function prepareTargetTables(ctx: Context, places: Place[]): Promise<void> {
  const follows = ctx.config.sync_mode === "incr";
  await inParallel(places, MAKES, (place) => {
    if (follows) return begin(place);
    return isToMake(place) ? make(ctx, place) : resume(ctx, place);
  });
}

/** What is copied is followed from then, or not at all; no stream is enabled for nothing. */
async function refuseGaps(ctx: Context, places: Place[], attempt: Attempt): Promise<void> {
  if (ctx.config.on_gap !== "fail") return;
  const begun = places.filter((place) => !isToMake(place));
  if (ctx.config.sync_mode === "incr")
    for (const { table } of places.filter((place) => place.state === undefined && copiedUnits(place) > 0))
      await attempt(() => Promise.reject(unreached(table)));
  await inParallel(begun, LOOKS, ({ table, checkpoint }) =>
    attempt(() => refuseLost(ctx, table, checkpoint)),
  );
}

/** Whether a run is gone on with whose tables aren't all begun, or not all copied to their ends. */
const isCopying = ({ resumed, copied }: RunCheckpoint): boolean => resumed && !copied;

/**
 * Only what is copied can be followed; what is copied again after a gap is copied to its end first.
 *
 * @param isToCopy whether a table of which nothing is noted is one that is still to be copied
 */
function refuseUnfinished(ctx: Context, places: Place[], isToCopy: boolean): void {
  const unfinished = places.filter(({ state }) =>
    state === undefined ? isToCopy : state.stage !== "done" && state.round === undefined,
  );
  if (unfinished.length === 0) return;
  const names = unfinished.map(({ table }) => table.name).join(", ");
  throw new MigrationError("CHECKPOINT_MISMATCH", `the full phase isn't finished: table ${names}`, {
    hint: `go on with sync_mode = all, or ${startOver(ctx)}`,
  });
}

/** Notes a table whose stream alone is followed, before its positions are. */
async function begin(place: Place): Promise<void> {
  const { table, checkpoint, state, found } = place;
  if (state !== undefined) return;
  const units = copiedUnits(place);
  const made = found === undefined ? {} : { made: found };
  await checkpoint.advance({ stage: "done", ...identityOf(table), units, ...made });
}

/** The units that another run of ours has copied: it has no positions here, and to follow it from now would leave a gap. */
function copiedUnits({ checkpoint: { older }, found }: Place): number {
  return found !== undefined && older?.made === found ? older.units : 0;
}

/** Which table it is, at both sides. */
function identityOf(table: Table): Pick<TableState, "source" | "key" | "targetName"> {
  const { id, targetName } = table;
  return { ...(id !== undefined && { source: id }), key: describeKey(table), targetName };
}

async function make(ctx: Context, place: Place): Promise<void> {
  const target = ctx.role("target");
  const { table, checkpoint } = place;
  // Of a table that is begun now it may be noted with the run.
  if (place.state !== undefined || checkpoint.state === undefined)
    await checkpoint.advance(makingOf(ctx, place));
  const renamedTo = isTheirs(place) ? await target.makeRoom(table, ctx.signal) : undefined;
  if (renamedTo) notesOf(ctx.progress.tables.get(table.name)!).renamedTo = renamedTo;
  await target.create(table, ctx.signal);
  const made = await target.find(table, ctx.signal);
  await checkpoint.advance({ stage: "copying", ...(made !== undefined && { made }) });
}

/** What is noted of a table before its place is touched. */
function makingOf(ctx: Context, place: Place): TableMaking {
  const { table, found } = place;
  return {
    stage: "making",
    ...identityOf(table),
    units: unitsOf(ctx, table).length,
    copy: beginsCopy(ctx) ? copyStart(table) : undefined,
    ...(isTheirs(place) && { before: found }),
  };
}

const unitsOf = (ctx: Context, table: Table): SegmentUnit[] =>
  checkedUnits(ctx.role("source").units(table), table);

/** Takes up a table's counters and lets the target prepare for writing it on. */
async function resume(ctx: Context, { table, checkpoint }: Place): Promise<void> {
  const units = takeUp(ctx, table, checkpoint);
  if (checkpoint.state?.stage === "done") return;
  const indexes = planIndexes(table, ctx.role("convert"), false);
  // A table copied again is written over what is there: nothing of it counts as written.
  const isAgain = checkpoint.state?.round !== undefined;
  await ctx.role("target").resume(table, { units: isAgain ? [] : units, indexes }, ctx.signal);
  // An earlier start with another sync_mode may have stopped before it noted positions in the stream.
  const begins = beginsCopy(ctx) && !checkpoint.state?.noted && (await isUnwritten(ctx, table, checkpoint));
  if (begins) await checkpoint.advance({ copy: copyStart(table) });
}

/** Whether a copy that begins now has no positions in its stream. */
const beginsCopy = ({ config }: Context): boolean => config.sync_mode === "full";

const copyStart = ({ stream }: Table): CopyStart => ({ at: Date.now(), stream });

/** Says how far a run is that is gone on with. */
export function tellResumption(ctx: Context, places: Place[]): void {
  const stages = places.map(({ state }) => state?.stage);
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
    { hint: found === undefined ? "start over with --fresh" : startOver(ctx) },
  );
}
