/** What was read, written and is there: it has to agree. */
import type { Context } from "../plugin/context.ts";
import { checkedCount } from "../plugin/returned.ts";
import { MigrationError } from "../errors.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { Table } from "../types.ts";

/**
 * Items read, less those filtered, must be written; what is written must be there.
 *
 * @returns the documents that are there and were not written here
 * @throws MigrationError COUNT_MISMATCH
 */
export async function checkCounts(ctx: Context, table: Table, counters: TableProgress): Promise<number> {
  const expected = counters.read - counters.filtered;
  if (counters.written !== expected) {
    throw new MigrationError(
      "COUNT_MISMATCH",
      `${expected} items were to be written, ${counters.written} were acknowledged: table ${table.name}`,
      { hint: "start again; if it stays so, please report it" },
    );
  }
  const present = checkedCount(await ctx.role("target").count(table, ctx.signal), table);
  if (present < counters.written) {
    throw new MigrationError(
      "COUNT_MISMATCH",
      `${counters.written - present} of ${counters.written} documents are missing: table ${table.name}`,
      { hint: "see whether another program deletes there, then start again" },
    );
  }
  return present - counters.written;
}

/**
 * More documents than were written: with a unique index on the key they can't be this run's, so somebody
 * else writes there. Without one nobody knows.
 */
export function checkSurplus(ctx: Context, table: Table, surplus: number, unique: boolean): void {
  if (surplus <= 0) return;
  const what = `${surplus} documents more than were written: table ${table.name}`;
  if (!unique) {
    throw new MigrationError("COUNT_MISMATCH", what, {
      hint: "see whether another program writes there, then start again",
    });
  }
  ctx.log.warn(`${what}; their keys are others, so another program writes there`);
}
