/** `bun bench/many.ts`: many tables of one item each, copied and followed: what it takes, and what it costs to wait. See README.md. */
import { MongoClient } from "mongodb";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { settingsOf, wholeNumber } from "./flags.ts";
import { CACHE_GB, main, say } from "./main.ts";
import { formatMany, type ManyReport, manyTargets } from "./many-report.ts";
import { startManyTool } from "./many-tool.ts";
import type { ManyStats } from "./many-stats.ts";
import { startServer } from "./measure.ts";
import { buildExecutable, EXECUTABLE } from "./executable.ts";
import { ID, TOOL, writeConf } from "./tool.ts";

const SECOND = 1000;
/** What takes longer is no measurement. */
const GIVE_UP = 600 * SECOND;
const HELP = `bun bench/bench.ts many [options]

  --tables=N         how many tables of one item each (1000)
  --shards=N         shards of each table's stream (1)
  --throttle         the source refuses more than 10 DescribeStream a second, as the service does
  --idle-seconds=N   how long it is watched while nothing happens (20)
  --settle-seconds=N how long it has been idle before that (0)
  --tool=FILE        what is measured: a TypeScript file or an executable
  --profile=FOLDER   CPU profiles of both starts
  --set key=value    a setting of the tool; may be repeated
  --json, --check    as the others`;

const { values: flags } = parseArgs({
  options: {
    tables: { type: "string", default: "1000" },
    shards: { type: "string", default: "1" },
    throttle: { type: "boolean", default: false },
    "idle-seconds": { type: "string", default: "20" },
    "settle-seconds": { type: "string", default: "0" },
    tool: { type: "string" },
    profile: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const tables = wholeNumber("tables", flags.tables, 2, 99_999);
const shards = wholeNumber("shards", flags.shards, 1, 9_999);
const idleSeconds = wholeNumber("idle-seconds", flags["idle-seconds"], 1, 3600);
const settleSeconds = wholeNumber("settle-seconds", flags["settle-seconds"], 0, 3600);

const sourceFlags = [`--tables=${tables}`, `--shards=${shards}`, ...(flags.throttle ? ["--throttle"] : [])];

/** Looks until something is so, every so many ms; not for ever. */
async function until(isSo: () => Promise<boolean>, every: number): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${GIVE_UP / SECOND} s`);
    await sleep(every);
  }
}

async function run(signal: AbortSignal): Promise<ManyReport> {
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench-many");
  cleanup.defer(() => scratch.remove());
  const mongod = await startMongod({ own: true, onDisk: true, cacheGb: CACHE_GB });
  cleanup.defer(() => mongod.stop());
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
  const source = cleanup.use(await startServer<ManyStats>("many-source.ts", ...sourceFlags));
  const conf = join(scratch.folder, "many.conf");
  writeConf(conf, {
    id: ID,
    sync_mode: "all",
    "source.endpoint_url": source.url,
    "target.address": mongod.uri,
    "full_sync.http_port": "-1",
    "incr_sync.http_port": "-1",
    system_profile: "-1",
    "log.level": "warn",
    ...settingsOf(flags.set),
  });
  const tool = flags.tool ?? (flags.profile === undefined ? EXECUTABLE : TOOL);
  if (tool === EXECUTABLE) buildExecutable();
  const command = { tool, profile: flags.profile, conf, cwd: scratch.folder, signal };
  const untilFollowed = async (): Promise<ManyStats> => {
    let stats: ManyStats | undefined;
    const isFollowed = async (): Promise<boolean> => {
      signal.throwIfAborted();
      stats = await source.stats();
      return stats.followed === tables * shards;
    };
    await until(isFollowed, 100);
    return stats!;
  };

  say(`${tables} tables, copying`);
  const startedAt = Date.now();
  const first = await startManyTool(command);
  cleanup.use(first);
  await Promise.race([first.copied, first.failed]);
  const copiedAt = Date.now();
  say(`copied after ${((copiedAt - startedAt) / SECOND).toFixed(1)} s`);
  const stats = await Promise.race([untilFollowed(), first.failed]);
  const startCpu = first.cpuMs();
  say(`followed after ${((stats.followedAt - startedAt) / SECOND).toFixed(1)} s`);

  await sleep(settleSeconds * SECOND, undefined, { signal });
  const before = { cpu: first.cpuMs(), calls: (await source.stats()).calls["GetRecords"] ?? 0 };
  const idleFrom = performance.now();
  let oldestMs = 0;
  while (performance.now() - idleFrom < idleSeconds * SECOND) {
    await sleep(SECOND, undefined, { signal });
    oldestMs = Math.max(oldestMs, (await source.stats()).oldestMs);
  }
  const idleMs = performance.now() - idleFrom;
  const idleCpu = first.cpuMs() - before.cpu;
  const polls = ((await source.stats()).calls["GetRecords"] ?? 0) - before.calls;
  const peakBytes = first.peakBytes();
  await first.stop();

  await fetch(`${source.url}/reset`);
  await sleep(SECOND, undefined, { signal });
  const restartedAt = Date.now();
  const second = await startManyTool(command);
  cleanup.use(second);
  const db = client.db(ID);
  const arrived = async (table: number): Promise<number> => {
    const collection = db.collection(`many-${String(table).padStart(5, "0")}`);
    await fetch(`${source.url}/change?table=${table}`);
    await until(async () => (await collection.countDocuments({})) === 2, 20);
    return Date.now() - restartedAt;
  };
  const arrivals = await Promise.race([Promise.all([arrived(0), arrived(tables - 1)]), second.failed]);
  const again = await Promise.race([untilFollowed(), second.failed]);
  await second.stop();
  const report = {
    tables,
    shards,
    throttle: flags.throttle,
    copiedMs: copiedAt - startedAt,
    followedMs: stats.followedAt - startedAt,
    startCpuMs: startCpu,
    stats,
    idleShare: idleCpu / idleMs,
    idleCallsPerSecond: (polls / idleMs) * SECOND,
    oldestMs,
    peakBytes,
    restart: {
      firstMs: arrivals[0],
      lastMs: arrivals[1],
      followedMs: again.followedAt - restartedAt,
      stats: again,
    },
  };
  return { ...report, targets: manyTargets(report) };
}

await main(flags, { help: HELP, run, format: formatMany });
