/** What a migration has left at both sides, on this machine and in its checkpoint, found in the order in which it is removed. */
import { enabledStream, isNoted } from "../checkpoint/enabled-streams.ts";
import { findFollowers } from "../checkpoint/followers.ts";
import { readState, type TableState, tableSchema } from "../checkpoint/run-state.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import { type Kept, leftCheckpoint, understood } from "./left-checkpoint.ts";
import type { Leftover } from "./leftover.ts";
import { leftFiles, leftSpools } from "./left-files.ts";

/** Calls at once. */
const LANES = 8;
/** What {@link findLeftovers} takes. */
export interface LeftoverOptions {
  /** The working folder. */
  folder: string;
  /** Removes also what `target.db.exist = rename` has put aside. */
  renamed: boolean;
}

/** Everything, whether it is to be removed or stays. Changes nothing. */
export async function findLeftovers(
  ctx: Context,
  kept: Kept,
  { folder, renamed }: LeftoverOptions,
): Promise<Leftover[]> {
  const tables = tablesOf(kept.names);
  return [
    ...(await enabledStreams(ctx, kept.names)),
    ...(await renamedAway(ctx, tables, renamed)),
    ...(await leftSpools(ctx.config, tables)),
    ...(await leftFiles(ctx.config, folder)),
    ...leftCheckpoint(ctx, kept),
  ];
}

/** The tables of which something is kept. */
function tablesOf(names: readonly string[]): string[] {
  const found = names.flatMap((name) => /^(?:table|stream|enabled):(.*)$/s.exec(name)?.[1] ?? []);
  return [...new Set(found)].sort();
}

async function enabledStreams(ctx: Context, names: readonly string[]): Promise<Leftover[]> {
  const tables = names
    .filter((name) => name.startsWith("enabled:"))
    .map((name) => name.slice("enabled:".length));
  if (tables.length === 0) return [];
  const streams = ctx.role("streams");
  const followers = await findFollowers(ctx, tables);
  const found = await inParallel(tables.sort(), LANES, async (table): Promise<Leftover[]> => {
    const noted = await enabledStream(ctx, table);
    if (noted === undefined) return [];
    const leftover = {
      side: "source",
      what: `the stream of table ${table}, enabled by this migration`,
      remove: async () => streams.disable?.(table, ctx.signal),
    } as const;
    if (streams.enabled === undefined || streams.disable === undefined)
      return [
        { ...leftover, where: noted.stream ?? table, stays: "the plugin that reads streams disables none" },
      ];
    const is = await streams.enabled(table, ctx.signal);
    if (is === undefined) return [];
    if (isNoted(ctx, noted, is)) {
      const others = followers(table, is).join(", ");
      return [
        {
          ...leftover,
          where: is,
          ...(others !== "" && { stays: `it is followed by ${others}: disable it when that is over` }),
        },
      ];
    }
    const stays =
      noted.stream === undefined
        ? `it isn't known to be the one that was asked for at ${noted.at}`
        : "it was disabled and enabled again by somebody else";
    return [{ ...leftover, what: `the stream of table ${table}`, where: is, stays }];
  });
  return found.flat();
}

async function renamedAway(ctx: Context, tables: readonly string[], renamed: boolean): Promise<Leftover[]> {
  const target = ctx.role("target");
  if (target.aside === undefined) return [];
  if (!renamed && (ctx.config["target.db.exist"] !== "rename" || tables.length === 0)) return [];
  // After another cleaning nothing tells what they are called at the target.
  const known = tables.length > 0 ? [...tables] : await sourceTables(ctx);
  const names = await inParallel(
    known,
    LANES,
    async (table) => (await stateOf(ctx, table))?.targetName ?? table,
  );
  const found = await target.aside(names, ctx.signal);
  return found.sort().map((name) => ({
    side: "target",
    what: "what was there before, renamed",
    where: `${name} in ${target.place}`,
    ...(!renamed && { stays: "it is older than this migration: --renamed removes it" }),
    remove: async () => target.dropAside?.(name, ctx.signal),
  }));
}

async function sourceTables(ctx: Context): Promise<string[]> {
  const tables = await ctx.role("source").tables(ctx.signal);
  return tables.map(({ name }) => name);
}

async function stateOf(ctx: Context, table: string): Promise<TableState | undefined> {
  const { load, place } = ctx.role("checkpoint");
  const saved = (await load(`table:${table}`)).get("table");
  return understood(() => readState(tableSchema, saved, place));
}
