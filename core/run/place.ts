/** A table's place at the target, as a start finds it: whose it is, and whether it is in the way. */
import type { TableCheckpoint, TableState } from "../checkpoint/run-checkpoint.ts";
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";
import { finishedCopy } from "./finished-copy.ts";

/** What was found of a table. */
export interface Place {
  table: Table;
  checkpoint: TableCheckpoint;
  /** Where it stands; undefined: it is not begun yet. */
  state: TableState | undefined;
  /** What is at the target under its name, see `Target.find`. */
  found: string | undefined;
  /** It joins a run that follows others: nobody has started anything now. */
  joins?: boolean;
}

/** How tables are begun. */
export interface Beginning {
  /** The user wants it so. */
  fresh: boolean;
  /** Also though it was switched over. */
  again?: boolean;
  /** They join a run that follows others. */
  joins?: boolean;
}

/** Whether a table is yet to be begun. */
export function isToMake({ state }: Place): boolean {
  return state === undefined || state.stage === "making";
}

/** Whether what is there was there before this migration. */
export function isTheirs({ state, found }: Place): boolean {
  return found !== undefined && (state === undefined || state.before === found);
}

/** Whether what was there stays, whatever `target.db.exist` says: that was said of what was there at the first start. */
export function isToStay(place: Place): boolean {
  return place.joins === true && isTheirs(place) && place.checkpoint.older?.made !== place.found;
}

/**
 * Refuses to begin tables whose places have something, unless `target.db.exist` says what becomes of it.
 *
 * @param finishedBefore when an earlier run was over
 * @throws MigrationError TARGET_EXISTS
 */
export function refuseExisting(
  ctx: Context,
  places: Place[],
  finishedBefore: string | undefined,
  fresh: boolean,
): void {
  const staying = places.filter(isToStay).map(({ table }) => table.targetName);
  if (staying.length > 0) throw notMade(ctx, staying);
  const inTheWay = places.filter(isTheirs);
  const existing = inTheWay.map(({ table }) => table.targetName);
  if (existing.length === 0 || ctx.config["target.db.exist"] !== "") return;
  const isOurs = inTheWay.every(({ checkpoint, found }) => checkpoint.older?.made === found);
  if (finishedBefore !== undefined && isOurs) throw finishedCopy(ctx, existing, finishedBefore);
  const tables = ctx.config["target.type"] === "aliyun_dynamo_proxy";
  const again = fresh ? " and start with --fresh again" : "";
  throw new MigrationError(
    "TARGET_EXISTS",
    `the target has ${existing.join(", ")} already: ${ctx.role("target").place}`,
    {
      hint: tables
        ? `set target.db.exist = drop to delete what is there${again}, or leave the table out with filter.collection.black`
        : `set target.db.exist to rename or drop${again}, or choose another id`,
    },
  );
}

/** The error for what is in the way and wasn't there when the run began. */
export function notMade(ctx: Context, names: string[]): MigrationError {
  return new MigrationError(
    "TARGET_EXISTS",
    `the target has ${names.join(", ")} already, which this migration hasn't made: ${ctx.role("target").place}`,
    {
      hint: "rename it or take it away there, or leave the table out with filter.collection.black: for what wasn't there when the run began, target.db.exist doesn't count",
    },
  );
}
