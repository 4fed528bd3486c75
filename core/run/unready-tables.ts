/**
 * Tables that can't be read just now: being made, being deleted, or not to be described. The start of a run that follows others
 * goes on without those of which it has nothing yet, as a run does that finds them while it follows.
 */
import { type ErrorCode, toMigrationError } from "../errors.ts";
import type { Attempt } from "../flow/attempt.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { trackTable } from "../progress/progress.ts";
import type { RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { Table } from "../types.ts";
import { endDeleted, fateOf } from "./deleted-table.ts";
import { followingRun, type Joins, joiningOf } from "./tables-to-join.ts";

/** What a single table is refused with. */
const OF_TABLE: ReadonlySet<ErrorCode> = new Set(["TABLE_UNFIT", "SOURCE_DENIED", "SOURCE_GONE"]);
/** Tables looked at at once. */
const LOOKS = 8;

/** What {@link Unready.settle} gives. */
export interface Settled {
  /** Those that can be read. */
  tables: Table[];
  /** Those that are followed, and are being deleted. */
  deleted: Table[];
  /** A sentence for each refusal that leaves tables out. */
  leftOut: string[];
}

/** See the top of the file. */
export interface Unready {
  /** Hears what refuses single tables. */
  attempt: Attempt;
  /**
   * Tells apart what was heard.
   *
   * @param tables what the source gave; what can't be read may be among them
   */
  settle(tables: Table[]): Promise<Settled>;
}

/**
 * Makes it for one start.
 *
 * @param fresh what an unfinished run has left doesn't count
 * @param refuse who hears what refuses the start all the same
 */
export function createUnready(ctx: Context, fresh: boolean, refuse: Attempt): Unready {
  const heard: { thrown: unknown; about: readonly string[] }[] = [];
  let joining: Promise<Joins | undefined> | undefined;

  async function findJoining(): Promise<Joins | undefined> {
    // What is wrong with the checkpoint is heard later.
    const run = await followingRun(ctx, fresh).catch(() => undefined);
    return run && joiningOf(ctx, run);
  }

  /** What becomes of a table that is refused. */
  async function fate(name: string, table: Table | undefined): Promise<"left out" | "deleted" | "refused"> {
    if (await (await joining)!({ name })) return "left out";
    return table !== undefined && (await fateOf(ctx, table)) === "deleted" ? "deleted" : "refused";
  }

  return {
    attempt: (step, about) =>
      refuse(async () => {
        try {
          return await step();
        } catch (thrown) {
          const isSingle = about !== undefined && OF_TABLE.has(toMigrationError(thrown).code);
          if (!isSingle || (await (joining ??= findJoining())) === undefined) throw thrown;
          heard.push({ thrown, about });
          return undefined as never;
        }
      }),

    async settle(tables) {
      const byName = new Map(tables.map((table) => [table.name, table]));
      const settled: Settled = { tables, deleted: [], leftOut: [] };
      for (const { thrown, about } of heard) {
        const fates = await inParallel(about, LOOKS, (name) => fate(name, byName.get(name)));
        if (fates.includes("refused")) {
          await refuse(() => Promise.reject(thrown));
          continue;
        }
        settled.deleted.push(
          ...about.flatMap((name, i) => (fates[i] === "deleted" ? byName.get(name)! : [])),
        );
        const names = about.filter((_, i) => fates[i] === "left out").join(", ");
        const { code, message } = toMigrationError(thrown);
        if (names !== "")
          settled.leftOut.push(
            `${names} is left out until that is over, the others go on: [${code}] ${message}`,
          );
        for (const name of about) byName.delete(name);
      }
      settled.tables = [...byName.values()];
      const [first] = heard;
      if (settled.tables.length === 0 && first !== undefined)
        await refuse(() => Promise.reject(first.thrown));
      return settled;
    },
  };
}

/** What is said of a table that is followed, and is being deleted. */
export const sayDeleted = ({ name }: Table): string =>
  `${name} is being deleted at the source: it isn't followed any more, and the others go on`;

/** Ends the following of tables that are being deleted; the run has begun. */
export async function endUnready(ctx: Context, checkpoint: RunCheckpoint, deleted: Table[]): Promise<void> {
  for (const table of deleted) {
    trackTable(ctx.progress, table);
    await endDeleted(ctx, table, await checkpoint.join(table), false);
  }
}
