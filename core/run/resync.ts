/** `on_gap = resync`: a table whose changes are lost is copied again over what is there, and what is gone is deleted. */
import type { TableCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { checkedUnits } from "../plugin/returned.ts";
import { planIndexes } from "../schema/indexes.ts";
import { describeKey } from "../schema/keys.ts";
import { rereads } from "./sweep.ts";
import { isAnother } from "../schema/table-identity.ts";
import { deleted, tableNow } from "../stages/table-now.ts";
import type { Table } from "../types.ts";

/** A table is copied again so often at most, within a day: a gap that comes back is no accident. */
const ROUNDS = 3;
const DAY = 24 * 3_600_000;

/** Whether a failure is a gap that is to be mended. */
export function isMendable({ config }: Context, error: unknown): error is MigrationError {
  return config.on_gap === "resync" && error instanceof MigrationError && error.code === "STREAM_GAP";
}

/**
 * Refuses `on_gap = resync` where it can't be done, before it is needed.
 *
 * @throws MigrationError CONFIG_INVALID
 */
export function checkResync(ctx: Context): void {
  if (ctx.config.on_gap !== "resync") return;
  const { source, target } = { source: ctx.role("source"), target: ctx.role("target") };
  const refuse = (what: string, hint: string): never => {
    throw new MigrationError("CONFIG_INVALID", `on_gap = resync: ${what}`, { hint });
  };
  if (target.keys === undefined || source.absent === undefined) {
    refuse(`a table can't be copied again: ${target.place}`, "set on_gap = fail");
  }
  if (rereads(ctx) && source.items === undefined) {
    refuse("plugins see records, and the source can't look items up for them", "set on_gap = fail");
  }
  if (ctx.config["full.read.filter_expression"] !== "") {
    refuse(
      "an item that full.read.filter_expression no longer matches would keep its old version",
      "use plugin.filter.where instead, or set on_gap = fail",
    );
  }
  if (ctx.keyChangers.size > 0) {
    refuse(
      `who changes key values makes all of a table's items look deleted: plugin ${[...ctx.keyChangers].join(", ")}`,
      "if key values stay as the source has them, let the plugin say keepsKeys: true; else set on_gap = fail",
    );
  }
}

/**
 * Begins a table's copy anew: noted before anything else, so that a crash doesn't forget it. Who opens its stream
 * forgets its positions, and takes them before the first Scan.
 *
 * @throws MigrationError STREAM_GAP when it was copied again too often within a day
 */
export async function beginResync(
  ctx: Context,
  table: Table,
  checkpoint: TableCheckpoint,
  gap: MigrationError,
): Promise<void> {
  await identify(ctx, table);
  // Those of another table of that name don't count.
  const isSame = !isAnother({ id: checkpoint.state?.source }, table);
  const rounds = (checkpoint.state?.rounds ?? []).filter((at) => isSame && Date.now() - at < DAY);
  if (rounds.length >= ROUNDS) throw again(gap);
  ctx.log.warn(`${gap.message}: on_gap = resync, the table is copied again`);
  await checkpoint.advance({
    ...checkpoint.state,
    targetName: table.targetName,
    source: table.id,
    key: describeKey(table),
    stage: "copying",
    copy: undefined,
    noted: false,
    deletedAt: undefined,
    round: (checkpoint.state?.round ?? 0) + 1,
    rounds: [...rounds, Date.now()],
    units: checkedUnits(ctx.role("source").units(table), table).length,
  });
  const counters = ctx.progress.tables.get(table.name)!;
  const nothing = { read: 0, filtered: 0, written: 0, bytes: 0, overflowed: 0 };
  const resumed = { resumed: 0, resumedBytes: 0, resumedFiltered: 0, resumedOverflowed: 0 };
  const times = { startedAt: Date.now(), indexingAt: undefined, finishedAt: undefined };
  Object.assign(counters, nothing, resumed, times, { state: "waiting" });
  await overwrite(ctx, table);
}

/** A table that was made anew is another one from now on; with another key it can't be written over this one. */
async function identify(ctx: Context, table: Table): Promise<void> {
  const now = await tableNow(ctx, table);
  if (now === undefined) throw deleted(table);
  if (now.id === undefined || now.id === table.id) return;
  const [was, is] = [describeKey(table), describeKey(now)];
  if (was !== is) {
    throw new MigrationError(
      "CHECKPOINT_MISMATCH",
      `table ${table.name} was made anew at the source with another key: it was ${was} and is ${is}`,
      { hint: "start over with --fresh" },
    );
  }
  table.id = now.id;
}

/** Lets the target write over what is there. */
export async function overwrite(ctx: Context, table: Table): Promise<void> {
  const indexes = planIndexes(table, ctx.role("convert"), false);
  await ctx.role("target").resume(table, { units: [], indexes }, ctx.signal);
}

/** The error for a gap that copying the table again doesn't close. */
function again(lost: MigrationError): MigrationError {
  const what = `${lost.message}; the table was copied again ${ROUNDS} times within a day`;
  return new MigrationError("STREAM_GAP", what, {
    cause: lost,
    hint: "see why changes are lost: a source that is too slow for them, or a stream that somebody disables; a start copies the table again a day after the first of these, or with --fresh",
  });
}
