/** A run as the ports see it, which a test moves on by hand. */
import { createStreamProgress, type ShardProgress } from "../../core/progress/stream-progress.ts";
import { describeRun, type RunIdentity } from "../../core/progress/run-status.ts";
import type { Progress, TableProgress } from "../../core/progress/progress.ts";
import type { RecentLine } from "../../bin/log/recent.ts";
import type { RunView } from "../../bin/http/run-view.ts";
import { load } from "./config.ts";
import { fakeProgress, fakeTable } from "./progress.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A view whose time and warnings a test sets. */
export interface FakeView extends RunView {
  /** In ms since 1970. */
  now: number;
  lines: RecentLine[];
  /** Goes on by so many ms: what is copied and followed grows. */
  advance(ms: number): void;
}

/** How the run is to look. */
export interface FakeRun {
  phase: "full" | "incr";
  tables: number;
  /** Of each table, in the phase incr. */
  shards?: number;
  /** Instead of the usual ones. */
  names?: string[];
  /** Some tables have trouble. */
  troubled?: boolean;
  now?: number;
}

const IDENTITY: RunIdentity = {
  id: "shop-migration",
  version: "0.1.0",
  syncMode: "all",
  source: "AWS, eu-central-1",
  target: "mongodb://mongo-0.internal:27017, database shop-migration",
  checkpoint: "mongodb://mongo-0.internal:27017, nimo-shake-checkpoint",
  pid: 4711,
  host: "migrator",
};

const NAMES = [
  "orders",
  "customers",
  "carts",
  "inventory",
  "sessions",
  "payments",
  "audit-events",
  "reviews",
];

/** A run that has been going for 25 minutes. */
export function fakeView({ phase, tables, shards = 4, names, troubled = false, now }: FakeRun): FakeView {
  const start = now ?? Date.now();
  const all = Array.from({ length: tables }, (_, index) => names?.[index] ?? nameOf(index));
  const progress = fakeProgress(start - 25 * MINUTE, []);
  progress.phase = phase;
  progress.savedAt = start - 400;
  for (const [index, name] of all.entries()) {
    const table = phase === "full" ? copying(name, index, start) : followed(name, index, shards, start);
    progress.tables.set(name, table);
  }
  if (troubled) trouble(progress, start);
  const view: FakeView = {
    config: load({ "source.region": "eu-central-1" }).config,
    identity: IDENTITY,
    progress,
    now: start,
    lines: [],
    status: () => describeRun(IDENTITY, progress, view.now),
    warnings: () => view.lines,
    advance(ms) {
      view.now += ms;
      progress.savedAt = view.now - 200;
      for (const table of progress.tables.values()) move(table, ms, view.now, troubled);
    },
  };
  return view;
}

function nameOf(index: number): string {
  const name = NAMES[index % NAMES.length]!;
  return index < NAMES.length ? name : `${name}-${String(Math.floor(index / NAMES.length)).padStart(2, "0")}`;
}

function copying(name: string, index: number, now: number): TableProgress {
  const itemCount = [1_840_000, 420_000, 96_300, 7_100_000][index % 4]!;
  const sizes = { name, itemCount, sizeBytes: itemCount * 640 };
  const begun = { startedAt: now - 20 * MINUTE };
  // It is followed already, while others are being copied.
  if (index % 7 === 1) return followed(name, index, 2, now);
  if (index % 7 === 2) {
    const all = { read: itemCount, written: itemCount, bytes: itemCount * 700, readUnits: itemCount / 6 };
    return fakeTable({ ...sizes, ...begun, ...all, state: "indexing", indexShare: 0.62 });
  }
  if (index > 3) return fakeTable(sizes);
  const read = Math.round(itemCount * 0.43);
  const counts = { read, written: read - 300, bytes: read * 700, readUnits: read / 6 };
  return fakeTable({ ...sizes, ...begun, ...counts, state: "copying" });
}

function followed(name: string, index: number, count: number, now: number): TableProgress {
  const itemCount = 120_000 + 37_000 * index;
  const done = { read: itemCount, written: itemCount, bytes: itemCount * 700, indexes: 2 };
  const times = { startedAt: now - 24 * MINUTE, finishedAt: now - 14 * MINUTE };
  const stream = createStreamProgress();
  Object.assign(stream, {
    read: 48_210,
    written: 48_190,
    bytes: 48_210 * 1400,
    startedAt: now - 14 * MINUTE,
  });
  for (let shard = 0; shard < count; shard++) {
    const id = `shardId-0000000${1_700_000_000 + shard}-${(index * 7919 + shard * 104_729).toString(16).padStart(8, "0")}`;
    // Every third one came of one that is over, two of one parent.
    const parent =
      shard % 3 === 0 ? undefined : `shardId-0000000${1_690_000_000 + shard - (shard % 3)}-parent`;
    stream.shards.set(id, caughtUp({ id, parent, sequenceNumber: `49${600_000_000 + shard}` }, now));
  }
  return fakeTable({
    name,
    itemCount,
    sizeBytes: itemCount * 640,
    state: "following",
    ...done,
    ...times,
    stream,
  });
}

function caughtUp(shard: ShardProgress, now: number): ShardProgress {
  return Object.assign(shard, {
    caughtUpAt: now - 240,
    settledAt: now - 240,
    time: now - 40 * SECOND,
    savedAt: now - 400,
  });
}

/** One table is throttled, one is behind, and in the full phase one has failed. */
function trouble(progress: Progress, now: number): void {
  const [first, , third] = progress.tables.values();
  progress.retries.source = 128;
  progress.retries.target = 3;
  progress.errors.set("SOURCE_THROTTLED", 121).set("TARGET_UNREACHABLE", 3);
  Object.assign(first!, { retries: 121, throttles: 121, trouble: { what: "throttled", at: now } });
  for (const shard of third?.stream?.shards.values() ?? []) {
    Object.assign(shard, { caughtUpAt: now - 73 * SECOND, settledAt: now - 73 * SECOND });
  }
  third?.stream?.waiting.add("shardId-00000001700000099-next");
}

function move(table: TableProgress, ms: number, now: number, troubled: boolean): void {
  const wave = 1 + 0.25 * Math.sin(now / (20 * SECOND)) + 0.08 * Math.sin(now / 1700);
  if (table.state === "copying") {
    const items = Math.min(
      table.itemCount - table.read,
      Math.round(((table.itemCount / 2600) * wave * ms) / SECOND),
    );
    table.read += items;
    table.written += items;
    table.bytes += items * 700;
    table.readUnits += items / 6;
  }
  const { stream } = table;
  if (stream === undefined) return;
  const changes = Math.round((140 * wave * ms) / SECOND);
  stream.read += changes;
  stream.written += changes;
  stream.bytes += changes * 1400;
  const isBehind = troubled && stream.waiting.size > 0;
  const lag = isBehind ? 70 * SECOND + 5 * SECOND * wave : 180 + 160 * wave;
  for (const shard of stream.shards.values()) {
    Object.assign(shard, { caughtUpAt: now - lag, settledAt: now - lag, savedAt: now - 300 });
    shard.time = now - lag - 2 * SECOND;
  }
}
