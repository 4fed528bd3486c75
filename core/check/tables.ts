/** What a start would do with each table, and what becomes of it at the target. */
import type { Adopted } from "../checkpoint/run-state.ts";
import { startOf } from "../incr/stream-start.ts";
import type { Context } from "../plugin/context.ts";
import type { StreamsInspection, TableFacts } from "../plugin/roles.ts";
import type { Attempt } from "../flow/attempt.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Start } from "../run/start.ts";
import type { Answers } from "./ask.ts";
import { isTheirs, isToMake, isToStay, type Place } from "../run/place.ts";
import { indexNames, planIndexes } from "../schema/indexes.ts";
import { describeKey } from "../schema/keys.ts";
import type { SegmentUnit, Table } from "../types.ts";
import { estimateTable, type Pace, type TableSize } from "./estimate.ts";
import type { TablePlan } from "./plan.ts";

/** Tables described at once: hooks may ask somebody. */
const LANES = 8;

/** What is known of the tables. */
export interface Known {
  /** Undefined where it couldn't be found out. */
  start: Start | undefined;
  answers: Answers;
  pace: Pace;
}

/** Describes the tables; one that fails is left out, and heard. */
export async function planTables(
  ctx: Context,
  tables: Table[],
  known: Known,
  attempt: Attempt,
): Promise<TablePlan[]> {
  const places = new Map(known.start?.places.map((place) => [place.table.name, place]));
  const plans = await inParallel(tables, LANES, (table) =>
    attempt(() => planTable(ctx, table, known, places.get(table.name))),
  );
  return plans.filter((plan) => plan !== undefined);
}

async function planTable(
  ctx: Context,
  table: Table,
  { start, answers, pace }: Known,
  place: Place | undefined,
): Promise<TablePlan> {
  const facts = answers.source?.tables.get(table.name);
  const units = ctx.role("source").units(table, place?.state?.units || undefined);
  const segments = units.length;
  const action = place === undefined ? null : actionOf(ctx, place, start?.adopted ?? []);
  const { expiry, billing = null, readCapacity = null } = facts ?? {};
  const { name, targetName, itemCount: items, sizeBytes: bytes } = table;
  const share = shareLeft(table, action, units, place);
  const left = { items: Math.round(items * share), bytes: Math.round(bytes * share) };
  const size: TableSize = { name, ...left, segments, billing, readCapacity };
  return {
    name,
    targetName,
    items,
    bytes,
    key: describeKey(table),
    expiry: expiry === undefined ? null : { attribute: expiry },
    stream: streamOf(ctx, table, facts, answers.streams),
    billing,
    readCapacity,
    segments,
    indexes: await indexesOf(ctx, table),
    action,
    left,
    followsFrom: place === undefined ? null : await followsFrom(ctx, place),
    existing: place === undefined ? null : existingOf(ctx, place),
    estimate: estimateTable(size, pace),
    profile: null,
  };
}

/** How much of a table is yet to be read, from 0 to 1; what isn't known counts whole. */
function shareLeft(
  { itemCount }: Table,
  action: TablePlan["action"],
  units: SegmentUnit[],
  place: Place | undefined,
): number {
  if (action === "copy" || action === null) return 1;
  if (action !== "go on") return 0;
  const read = units.reduce((sum, unit) => sum + (place?.checkpoint.unit(unit)?.read ?? 0), 0);
  return itemCount === 0 ? 1 : Math.max(0, 1 - read / itemCount);
}

/** Whether a start copies a table, all of it or the rest. */
export function isCopied({ action }: TablePlan): boolean {
  return action === "copy" || action === "go on" || action === null;
}

function streamOf(
  { config }: Context,
  { name, stream }: Table,
  facts: TableFacts | undefined,
  streams: StreamsInspection | undefined,
): TablePlan["stream"] {
  const view = facts?.streamView ?? null;
  if (config.sync_mode === "full") return { state: "not needed", view };
  if (stream !== undefined) return { state: "on", view };
  if (streams?.toEnable.includes(name)) return { state: "to be enabled", view };
  return { state: view === null ? "unknown" : "unfit", view };
}

/** As a run would build them, after its hooks. */
async function indexesOf(ctx: Context, table: Table): Promise<TablePlan["indexes"]> {
  const { config } = ctx;
  if (config["target.type"] === "aliyun_dynamo_proxy") {
    const secondary = config["full.enable_index.user"] ? table.secondary : [];
    return secondary.map(({ name }) => ({ name, unique: false, origin: "user" }));
  }
  const indexes = planIndexes(table, ctx.role("convert"), config["full.enable_index.user"]);
  const event = { phase: "full" as const, table, indexes };
  await ctx.call("index:before", event);
  const names = indexNames(event.indexes);
  // A hashed shard key takes no unique index: there the _id guards the key.
  const isSharded = config["target.type"] === "mongodb" && config["target.mongodb.type"] === "sharding";
  return event.indexes.map(({ unique, origin }, i) => ({
    name: names[i]!,
    unique: unique && !(isSharded && origin === "primary"),
    origin,
  }));
}

function actionOf({ config }: Context, place: Place, adopted: Adopted[]): TablePlan["action"] {
  const { state, table } = place;
  if (adopted.some((each) => each.table === table.name)) return "take over";
  if (config.sync_mode === "incr") return state === undefined || state.stage === "done" ? "follow" : "go on";
  if (isToMake(place)) return "copy";
  if (state?.stage !== "done") return "go on";
  return config.sync_mode === "all" ? "follow" : "nothing";
}

async function followsFrom(ctx: Context, { table, checkpoint, state }: Place): Promise<string | null> {
  if (ctx.config.sync_mode !== "incr") return null;
  const start = state?.noted ? "noted" : await startOf(ctx, table, checkpoint);
  if (typeof start === "object") return new Date(start.at).toISOString();
  return start === "noted" ? "checkpoint" : "now";
}

function existingOf({ config }: Context, place: Place): TablePlan["existing"] {
  if (place.found === undefined) return "nothing is there";
  if (config.sync_mode === "incr" || !isToMake(place) || !isTheirs(place)) return "kept";
  if (isToStay(place)) return "refused";
  const becomes = { "": "refused", rename: "renamed", drop: "dropped" } as const;
  return becomes[config["target.db.exist"]];
}
