/** `on_gap = resync`: a table whose changes are lost is copied again over what is there, and what is gone is deleted. */
import type { TableCheckpoint } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { planIndexes } from "./indexes.ts";
import { keyOf } from "./key-of.ts";
import { inParallel } from "./lanes.ts";
import type { TableProgress } from "./progress.ts";
import { forgetStream } from "./stream-checkpoint.ts";
import type { SourceRecord, Table } from "./types.ts";

/** Reads of the source and deletes at once. */
const LANES = 4;
/** Keys looked up together. */
const SLICE = 500;

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
  if (ctx.role("target").keys !== undefined && ctx.role("source").absent !== undefined) return;
  throw new MigrationError("CONFIG_INVALID", `a table can't be copied again: ${ctx.role("target").place}`, {
    hint: "set on_gap = fail",
  });
}

/**
 * Begins a table's copy anew: noted before anything else, so that a crash doesn't forget it. Its positions are
 * forgotten, and have to be taken before the first Scan.
 */
export async function beginResync(
  ctx: Context,
  table: Table,
  checkpoint: TableCheckpoint,
  gap: MigrationError,
): Promise<void> {
  ctx.log.warn(`${gap.message}: on_gap = resync, the table is copied again`);
  await checkpoint.advance({
    ...(table.id !== undefined && { source: table.id }),
    targetName: table.targetName,
    ...checkpoint.state,
    stage: "copying",
    round: (checkpoint.state?.round ?? 0) + 1,
    units: ctx.role("source").units(table).length,
  });
  await forgetStream(ctx, table);
  const counters = ctx.progress.tables.get(table.name)!;
  const nothing = { read: 0, filtered: 0, written: 0, bytes: 0, resumed: 0, resumedBytes: 0, overflowed: 0 };
  Object.assign(counters, nothing, { state: "waiting", startedAt: Date.now(), finishedAt: undefined });
  await overwrite(ctx, table);
}

/** Lets the target write over what is there. */
export async function overwrite(ctx: Context, table: Table): Promise<void> {
  const indexes = planIndexes(table, ctx.role("convert"), false);
  await ctx.role("target").resume(table, { units: [], indexes }, ctx.signal);
}

/**
 * Deletes the documents whose items are gone from the source, by consistent reads that are later than the table's
 * positions: what comes back after that is in the stream.
 */
export async function sweep(ctx: Context, table: Table, counters: TableProgress): Promise<void> {
  const [source, target, convert] = [ctx.role("source"), ctx.role("target"), ctx.role("convert")];
  let looked = 0;
  let deleted = 0;
  let strangers = 0;

  async function look(keys: SourceRecord["keys"][]): Promise<void> {
    const absent = await source.absent!(table, keys, ctx.signal);
    looked += keys.length;
    if (absent.length === 0) return;
    const records = absent.map((key): SourceRecord => ({ op: "delete", event: "REMOVE", keys: key }));
    convert.convert(records, table);
    const unit = { phase: "full", table, segment: 0, segments: 1 } as const;
    await target.apply!({ unit, records }, ctx.abandon);
    deleted += records.length;
  }

  ctx.log.info(`looking for documents of table ${table.name} whose items are gone`);
  for await (const documents of target.keys!(table, ctx.signal)) {
    const keys = documents.map((document) => keyOf(document, table, convert.fieldPath));
    const known = keys.filter((key) => key !== undefined);
    strangers += keys.length - known.length;
    const slices = Array.from({ length: Math.ceil(known.length / SLICE) }, (_, i) =>
      known.slice(i * SLICE, (i + 1) * SLICE),
    );
    await inParallel(slices, LANES, look);
    ctx.signal.throwIfAborted();
  }
  if (strangers > 0) {
    ctx.log.warn(
      `${strangers} documents of ${table.targetName} have no key of table ${table.name}: left alone`,
    );
  }
  ctx.log.info(
    `table ${table.name} is copied again: ${counters.written} items written, ${deleted} of ${looked} documents deleted`,
  );
}
