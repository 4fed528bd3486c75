/** A table as the source has it now: since the run began it may have been deleted, made anew, or got other indexes. */
import type { Context } from "../plugin/context.ts";
import { type ErrorCode, MigrationError, toMigrationError, streamGap } from "../errors.ts";
import type { Table } from "../types.ts";
import { isAnother, madeAnew } from "../schema/table-identity.ts";

/** Failures that items of another table may lead to. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set([
  "SOURCE_FAILED",
  "DATA_UNFIT",
  "DUPLICATE_KEY",
  "HOOK_FAILED",
  "TARGET_FAILED",
  "INTERNAL",
]);

/** The table of that name now; undefined: it is gone. */
export async function tableNow(ctx: Context, table: Table): Promise<Table | undefined> {
  const source = ctx.role("source");
  if (source.describe !== undefined) return source.describe(table, ctx.signal);
  return (await source.tables(ctx.signal)).find(({ name }) => name === table.name);
}

/** The error for a table that was deleted while its stream was followed. */
export function deleted({ name }: Table): MigrationError {
  const what = `the table was deleted at the source, and its stream has ended: table ${name}`;
  return new MigrationError("SOURCE_GONE", what, {
    hint: "take it off filter.collection.white, if it is there, and start again: the others go on where they were",
  });
}

/** The gap of a table that was made anew after it was copied. */
export function anewGap({ name }: Table): MigrationError {
  return streamGap(`the table was deleted and made anew at the source: table ${name}`);
}

/**
 * Makes sure that what was copied is of one table, and takes over the indexes that it has got meanwhile.
 *
 * @throws MigrationError SOURCE_GONE
 */
export async function confirmTable(ctx: Context, table: Table): Promise<void> {
  const now = await ctx.role("source").describe?.(table, ctx.signal);
  // One that was deleted only now was read to its end.
  if (now === undefined) return;
  if (isAnother(now, table)) throw madeAnew(ctx, table, now);
  await takeIndexes(ctx, table, now);
}

/** What a copy failed with, or, where the table is another one now, that. */
export async function explainCopy(ctx: Context, table: Table, thrown: unknown): Promise<unknown> {
  if (ctx.signal.aborted || !DOUBTFUL.has(toMigrationError(thrown).code)) return thrown;
  const describing = ctx.role("source").describe?.(table, ctx.signal);
  const now = await describing?.catch(() => undefined);
  return now !== undefined && isAnother(now, table) ? madeAnew(ctx, table, now, thrown) : thrown;
}

/** Says what a table's failure was, and stops the run; what is returned gives what the run ends with. */
export function stopBy(ctx: Context, table: Table): (thrown: unknown) => Promise<unknown> {
  let explained: Promise<unknown> | undefined;
  return async (thrown) => {
    const error = await (explained ??= explainCopy(ctx, table, thrown));
    ctx.stop(error);
    return error;
  };
}

/** Takes over secondary indexes that are new, as the hooks want them; one that can't be had is left out. */
async function takeIndexes(ctx: Context, table: Table, now: Table): Promise<void> {
  if (!ctx.config["full.enable_index.user"]) return;
  const known = new Set(table.secondary.map(({ name }) => name));
  for (const index of now.secondary.filter(({ name }) => !known.has(name))) {
    const seen: Table = { ...structuredClone(now), secondary: [index] };
    try {
      await ctx.call("table:before", { phase: "full", table: seen });
      ctx.role("target").checkIndexes?.(seen);
    } catch (error) {
      ctx.log.warn(
        `${(error as Error).message}: the index ${index.name}, which the source has now, is left out`,
      );
      continue;
    }
    if (seen.secondary.length === 0) continue;
    ctx.log.info(`table ${table.name} has the index ${index.name} now: it is made as well`);
    table.secondary.push(...seen.secondary);
  }
}
