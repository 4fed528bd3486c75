/** Which other migrations follow the streams of some tables, as far as they are kept in the same place. */
import * as v from "valibot";
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import { readState, runSchema } from "./run-state.ts";
import { streamSchema } from "./stream-parts.ts";

/**
 * Looks for them; who is over doesn't count.
 *
 * @returns tells the ids of those that follow a stream of such a table
 */
export async function findFollowers(
  ctx: Context,
  tables: readonly string[],
): Promise<(table: string, stream: string) => string[]> {
  const store = ctx.role("checkpoint");
  const noted =
    (await store.others?.(
      "stream",
      tables.map((table) => `stream:${table}`),
    )) ?? [];
  const runs = noted.length > 0 ? await store.others!("run", ["run"]) : [];
  const over = new Set(runs.filter(({ state }) => isOver(state, store.place)).map(({ id }) => id));
  const following = noted.filter(({ id }) => !over.has(id));
  return (table, stream) =>
    following
      .filter(({ name, state }) => name === `stream:${table}` && mayBe(state, stream))
      .map(({ id }) => id)
      .sort();
}

/** One that can't be understood may be any. */
function mayBe(state: unknown, stream: string): boolean {
  const { success, output } = v.safeParse(streamSchema, state);
  return !success || output.stream === stream;
}

function isOver(state: unknown, place: string): boolean {
  try {
    const run = readState(runSchema, state, place);
    return run?.finishedAt !== undefined || run?.switchedOverAt !== undefined;
  } catch (error) {
    if (error instanceof MigrationError && error.code === "CHECKPOINT_MISMATCH") return false;
    throw error;
  }
}
