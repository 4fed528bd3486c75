/** Where a migration stands by what is kept of it; nothing is asked of the source or the target, and nothing is changed. */
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import {
  readState,
  runSchema,
  type RunState,
  tableSchema,
  type TableState,
  unitSchema,
} from "./run-state.ts";
import { isOver, type ShardNote } from "./shard-note.ts";
import { isStreamNoted, loadShards } from "./stream-parts.ts";

/** Tables read at once. */
const LOADS = 8;
const RUN = "run";
const TABLE = "table";
const TABLES = "table:";

/** See the top of the file. */
export interface Standing {
  /** Undefined: no run of this id has begun. */
  run: RunState | undefined;
  /** By name. */
  tables: TableStanding[];
  /** Tables of which something is kept that isn't the run's. */
  strays: string[];
  /** In ms since 1970; undefined: never, or the checkpoint can't tell. */
  savedAt: number | undefined;
  /** The checkpoint can tell of which tables it keeps something. */
  isComplete: boolean;
}

/** One table. */
export interface TableStanding {
  name: string;
  state: TableState;
  /** Segments that are copied to their end. */
  segmentsDone: number;
  /** Of all segments. */
  read: number;
  filtered: number;
  overflowed: number;
  bytes: number;
  /** What is noted of its stream; undefined: nothing. */
  shards: readonly ShardNote[] | undefined;
}

/**
 * Reads it.
 *
 * @param named tables to look for in any case
 * @throws MigrationError when the checkpoint can't be read, or isn't understood
 */
export async function readStanding(ctx: Context, named: readonly string[]): Promise<Standing> {
  const store = ctx.role("checkpoint");
  const run = readState(runSchema, (await store.load(RUN)).get(RUN), store.place);
  const listed = await store.list?.();
  const kept = listed ?? [];
  const adopted = new Map(run?.adopted?.map(({ table, state }) => [table, state]));
  const names = new Set([...namesBehind(TABLES, kept), ...adopted.keys(), ...named]);
  const strays: string[] = [];
  const found = await inParallel([...names].toSorted(), LOADS, async (name) => {
    const parts = await store.load(TABLES + name);
    const saved = readState(tableSchema, parts.get(TABLE), `${store.place}, table ${name}`);
    const isOurs = saved !== undefined && run !== undefined && saved.run === run.id;
    const state = isOurs ? saved : adopted.get(name);
    if (state !== undefined) return tableStanding(ctx, name, state, isOurs ? parts : new Map());
    if (saved !== undefined) strays.push(name);
    return undefined;
  });
  const tables = found.filter((table) => table !== undefined);
  const times = [
    ...kept.filter(({ name }) => !name.startsWith("verify:")).map(({ savedAt }) => savedAt),
    ...tables.flatMap(({ shards = [] }) => shards.map(({ updatedAt = 0 }) => updatedAt)),
  ];
  const savedAt = times.reduce((one, other) => Math.max(one, other), 0);
  return {
    run,
    tables,
    strays,
    savedAt: savedAt === 0 ? undefined : savedAt,
    isComplete: listed !== undefined,
  };
}

function namesBehind(prefix: string, kept: readonly { name: string }[]): string[] {
  return kept.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length));
}

async function tableStanding(
  ctx: Context,
  name: string,
  state: TableState,
  parts: ReadonlyMap<string, unknown>,
): Promise<TableStanding> {
  const place = `${ctx.role("checkpoint").place}, table ${name}`;
  const sum = { segmentsDone: 0, read: 0, filtered: 0, overflowed: 0, bytes: 0 };
  for (let segment = 0; segment < state.units; segment++) {
    const part = state.round === undefined ? String(segment) : `${state.round}.${segment}`;
    const unit = readState(unitSchema, parts.get(part), place);
    if (unit === undefined) continue;
    if (unit.position === undefined) sum.segmentsDone++;
    for (const each of ["read", "filtered", "overflowed", "bytes"] as const) sum[each] += unit[each];
  }
  // Begun again, it has what is from before.
  const isNoted = state.noted !== false && (await isStreamNoted(ctx, { name }));
  const shards = isNoted ? [...(await loadShards(ctx, { name })).values()] : undefined;
  return { name, state, ...sum, shards };
}

/**
 * Up to when all of a shard is applied, at least, in ms since 1970; undefined: nobody knows. It is noted every ten seconds
 * while the shard is quiet.
 */
export function shardUpTo({ notedAt, time }: ShardNote): number | undefined {
  return notedAt === undefined && time === undefined ? undefined : Math.max(notedAt ?? 0, time ?? 0);
}

/** The same of a stream: of the open shard that is most behind; undefined also: none is open. */
export function streamUpTo(shards: readonly ShardNote[]): number | undefined {
  const times = shards.filter((shard) => !isOver(shard)).map(shardUpTo);
  if (times.length === 0 || times.includes(undefined)) return undefined;
  return Math.min(...times.map(Number));
}
