/** Before the first item is read: which tables, whether they are gone on with, and a place for each at the target. */
import { forgetStatus } from "../checkpoint/nimoshake-status.ts";
import type { RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Adopted } from "../checkpoint/run-state.ts";
import { MigrationError } from "../errors.ts";
import { type Attempt, orThrow } from "../flow/attempt.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { trackTable } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import type { Lease } from "./lease.ts";
import { checkTables, findStart } from "./start.ts";
import { type Ready, readyTables } from "./ready-tables.ts";
import { checkStreams, forgetOlder } from "./stream-looks.ts";
import { tablesToJoin } from "./tables-to-join.ts";
import { isToMake, type Place } from "./place.ts";
import { firstStates, prepareTargetTables, tellResumption } from "./target-tables.ts";
import { createUnready, endUnready } from "./unready-tables.ts";

/** Tables whose streams are forgotten at once. */
const AT_ONCE = 32;

/** What is known before the first item is read. */
export interface Prepared {
  tables: Table[];
  /** What the source had, before plugins took some out, but for tables that join the run later. */
  listed: Table[];
  /** There are tables that join the run when the others are followed, see {@link tablesToJoin}. */
  isJoined: boolean;
  checkpoint: RunCheckpoint;
  /** There is something to copy, or an earlier start has not come to say that all is copied. */
  copies: boolean;
  /** What is left to be done for a table before its stream is opened. */
  ready: Ready;
  /** The tables for which that may take a while: their streams are looked at only then. */
  late: ReadonlySet<Table>;
}

/**
 * Finds the tables, lets the hooks see them, and makes room at the target for those not begun yet. All that can be
 * refused is refused before anything is changed, but for what only the look at a stream tells that comes later.
 *
 * @param wanted what an unfinished run has left doesn't count (fresh); one that was switched over is gone on with (again)
 * @param begun told when the run is in the checkpoint: another try goes on with it
 */
export async function prepare(
  ctx: Context,
  lease: Lease,
  { fresh, again }: { fresh: boolean; again: boolean },
  begun: () => void,
): Promise<Prepared> {
  for (const role of ["target", "checkpoint"] as const) void connectEarly(ctx, role);
  let listed: Table[] = [];
  let joining = new Set<Table>();
  const unready = createUnready(ctx, fresh, orThrow);
  let deleted: Table[] = [];
  const settle = async (found: Table[]): Promise<Table[]> => {
    const settled = await unready.settle(found);
    for (const line of settled.leftOut) ctx.log.warn(line);
    ({ deleted } = settled);
    return settled.tables;
  };
  const tables = await findTables(ctx, { attempt: unready.attempt, settle }, async (wanted, all) => {
    joining = await tablesToJoin(ctx, wanted, fresh);
    listed = all.filter((table) => !joining.has(table));
    return wanted.filter((table) => !joining.has(table));
  });
  for (const table of tables) trackTable(ctx.progress, table);
  await checkTables(ctx, tables);
  await lease.take();
  const follows = ctx.config.sync_mode !== "full";
  const { checkpoint, adopted, places } = (await findStart(ctx, tables, { fresh, again }))!;
  const begins = places.filter(isToMake).map(({ table }) => table);
  const looks = await checkStreams(ctx, tables, follows ? begins : []);
  const isLate = ({ table }: Place): boolean => looks.unseen.has(table.name);
  const late = places.filter(isLate);
  const first = places.filter((place) => !isLate(place));
  // What was noted of a stream is forgotten behind the run, and before its table is begun.
  await checkpoint.begin(adopted, follows ? new Map() : firstStates(ctx, places));
  begun();
  await endUnready(ctx, checkpoint, deleted);
  // NimoShake may follow tables that aren't of this run: it would start over without it.
  if (follows) await forgetStatus(ctx, fresh);
  const copies = !checkpoint.copied || places.some(({ state }) => state?.stage !== "done");
  tellAdoption(ctx, adopted);
  if (follows) {
    const isNew = first.filter(({ state }) => state === undefined);
    await inParallel(isNew, AT_ONCE, ({ table }) => forgetOlder(ctx, table, looks.seen));
  }
  if (checkpoint.resumed) tellResumption(ctx, places);
  tellJoining(ctx, joining);
  await prepareTargetTables(ctx, first);
  return {
    tables,
    listed,
    isJoined: joining.size > 0,
    checkpoint,
    copies,
    ready: readyTables(ctx, checkpoint, { looks, late, beginning: { fresh, again } }),
    late: new Set(late.map(({ table }) => table)),
  };
}

/** Whoever needs the connection meets what it fails with. */
async function connectEarly(ctx: Context, role: "target" | "checkpoint"): Promise<void> {
  try {
    await ctx.role(role).connect?.();
  } catch {}
}

/**
 * The tables to migrate, as hooks leave them.
 *
 * @param attempt who hears why single tables can't be read, and goes on without them; default: that is thrown
 * @param settle tells which tables there are then
 * @param choose which of those that hooks have left are to be gone on with now; told of all that the source has given,
 * too; default: all
 * @throws MigrationError TABLE_MISSING when there is none
 */
export async function findTables(
  ctx: Context,
  { attempt = orThrow, settle }: { attempt?: Attempt; settle?: (tables: Table[]) => Promise<Table[]> } = {},
  choose: (wanted: Table[], all: Table[]) => Promise<Table[]> = async (wanted) => wanted,
): Promise<Table[]> {
  const { log, signal } = ctx;
  log.info("start fetching table list");
  const found = await ctx.role("source").tables(signal, attempt);
  const event = { tables: settle === undefined ? found : await settle(found) };
  const all = [...event.tables];
  log.info(`finish fetching table list: ${all.length} to migrate`);
  await ctx.call("setup", event);
  if (event.tables.length === 0) throw nothingLeft(all.length);
  const tables = await choose(event.tables, all);
  for (const table of tables) await attempt(() => ctx.call("table:before", { phase: "full", table }));
  return tables;
}

function nothingLeft(listed: number): MigrationError {
  const why = listed === 0 ? "the source lists none" : `plugins leave out all ${listed}`;
  return new MigrationError("TABLE_MISSING", `there is no table to migrate: ${why}`, {
    hint: "see which tables the source and the plugins give",
  });
}

function tellJoining(ctx: Context, joining: ReadonlySet<Table>): void {
  if (joining.size === 0) return;
  const names = [...joining].map(({ name }) => name).join(", ");
  ctx.log.info(`not copied to their end yet, these join when the others are followed: ${names}`);
}

function tellAdoption(ctx: Context, adopted: Adopted[]): void {
  if (adopted.length === 0) return;
  const names = adopted.map(({ table }) => table).join(", ");
  const { place } = ctx.role("checkpoint");
  ctx.log.info(`going on from the checkpoint of NimoShake, without a full phase: ${names} (${place})`);
}
