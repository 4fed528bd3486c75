/** `bun run bench proxy`: the full phase to a DynamoDB-protocol target that answers at once. See README.md. */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ownTempFolder } from "../test/servers/process.ts";
import { runTool, startServer, startSource } from "./measure.ts";
import type { ProxyStats } from "./proxy-target.ts";

const LEAST = 30_000;
const MOST_CPU_US = 20;

const { values: flags } = parseArgs({
  options: {
    items: { type: "string", default: "300000" },
    runs: { type: "string", default: "3" },
    set: { type: "string", multiple: true, default: [] },
    profile: { type: "string" },
    check: { type: "boolean", default: false },
  },
});
const items = Number(flags.items);
const runs = Number(flags.runs);

await using cleanup = new AsyncDisposableStack();
const scratch = ownTempFolder("bench-proxy");
cleanup.defer(() => scratch.remove());
const source = cleanup.use(await startSource({ items, gsi: 0 }));
const target = cleanup.use(await startServer<ProxyStats>("proxy-target.ts"));

/** A tuned conf, as a user with a big table would write it. */
const conf: Record<string, string> = {
  id: "bench",
  sync_mode: "full",
  "source.endpoint_url": source.url,
  "target.type": "aliyun_dynamo_proxy",
  "target.address": target.url,
  "target.access_key_id": "placeholder",
  "target.secret_access_key": "placeholder",
  "target.db.exist": "drop",
  "qps.full": "10000",
  "qps.full.batch_num": "1500",
  "full.read.concurrency": "4",
  "full.document.concurrency": "16",
  "full_sync.http_port": "-1",
  "checkpoint.address": "./checkpoint",
};
const file = join(scratch.folder, "bench.conf");
await Bun.write(
  file,
  Object.entries(conf)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join(""),
);
const profile = flags.profile ? ["--cpu-prof", `--cpu-prof-dir=${resolve(flags.profile)}`] : [];
const cli = join(import.meta.dirname, "../bin/cli.ts");
const sets = flags.set.flatMap((each) => ["--set", each]);
const command = [process.execPath, ...profile, cli, `-conf=${file}`, ...sets];
const { signal } = new AbortController();

const measured: { perSecond: number; cpuUs: number; peakMb: number }[] = [];
for (let run = 0; run <= runs; run++) {
  await target.stats();
  const tool = await runTool({ command, cwd: scratch.folder, items, source, signal });
  const given = await target.stats();
  if (given.items !== items) throw new Error(`${given.items} of ${items} items arrived`);
  const result = {
    perSecond: (items / tool.pureMs) * 1000,
    cpuUs: tool.cpuUs / items,
    peakMb: tool.peakBytes / 2 ** 20,
  };
  console.error(
    `${run === 0 ? "warm-up" : `run ${run}`}: ${Math.round(result.perSecond)} items/s, ${result.cpuUs.toFixed(1)} µs,` +
      ` ${given.requests} requests over ${given.connections} connections, the target's own CPU ${(given.cpuUs / items).toFixed(1)} µs`,
  );
  if (run > 0) measured.push(result);
}

const median = (pick: (each: (typeof measured)[number]) => number): number =>
  measured.map(pick).toSorted((a, b) => a - b)[measured.length >> 1]!;
const [perSecond, cpuUs] = [median((each) => each.perSecond), median((each) => each.cpuUs)];
const targets: [holds: boolean, text: string][] = [
  [perSecond >= LEAST, `at least ${LEAST} items/s, first request to done: ${Math.round(perSecond)}`],
  [cpuUs <= MOST_CPU_US, `at most ${MOST_CPU_US} µs of CPU an item: ${cpuUs.toFixed(1)}`],
];
console.log(`${items} items, median of ${runs}; peak memory ${Math.round(median((each) => each.peakMb))} MB`);
for (const [holds, text] of targets) console.log(`${holds ? "ok  " : "MISS"}  ${text}`);
if (flags.check && targets.some(([holds]) => !holds)) process.exitCode = 1;
