/** `bun run test:endurance [--minutes N]`: a run that follows for long while tables come and go; whether anything grows. See docs/endurance.md. */
import { MongoClient } from "mongodb";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { wholeNumber } from "../../bench/flags.ts";
import { environment, TOOL, toolCommand, writeConf } from "../../bench/tool.ts";
import { ownTempFolder } from "../servers/process.ts";
import { startMongod } from "../servers/mongod.ts";
import { startStreams } from "../stand-in/streams.ts";
import { type Deeds, startLives, STEADY } from "./lives.ts";
import { plotSamples } from "./plot.ts";
import type { Inside } from "./probe.ts";
import { processSize, type Sample, sizeInFiles, sizeInMongo } from "./samples.ts";
import { type Judged, judge, verdictLines } from "./verdict.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const EVERY = 5 * SECOND;
/**
 * So late that shards are listed often meanwhile: a row goes when its shard was missing in three lists, which come every
 * five minutes else.
 */
const CHILDREN_AFTER = 12 * SECOND;
const ID = "endurance";
const HELP = `bun run test:endurance [options]

  --minutes=N           how long (30); less than 10 tells little
  --changes=N           changes a second, all tables together (200)
  --checkpoint=TYPE     mongodb or file (mongodb)
  --tool=FILE           what is tested: a TypeScript file or an executable (bin/cli.ts)
  --set key=value       a setting of the tool; may be repeated
  --out=FOLDER          where endurance.json and endurance.svg are kept (dist)`;

/** What came of it, as it is kept. */
interface Report {
  at: string;
  minutes: number;
  checkpoint: string;
  deeds: Deeds;
  /** The two sides are equal in the end. */
  isEqual: boolean;
  verdict: Judged[];
  samples: Sample[];
  inside: Inside[];
}

const { values: flags } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    changes: { type: "string", default: "200" },
    checkpoint: { type: "string", default: "mongodb" },
    tool: { type: "string", default: TOOL },
    set: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: "dist" },
    help: { type: "boolean", default: false },
  },
});

const say = (text: string): void => console.error(text);

async function run(signal: AbortSignal): Promise<Report> {
  const minutes = wholeNumber("minutes", flags.minutes, 1, 10_000);
  const perSecond = wholeNumber("changes", flags.changes, 1, 100_000);
  const { checkpoint } = flags;
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("endurance");
  cleanup.defer(() => scratch.remove());
  const mongod = await startMongod({ own: true, onDisk: true });
  cleanup.defer(() => mongod.stop());
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
  const streams = cleanup.use(await startStreams({ tables: [...STEADY], childrenAfter: CHILDREN_AFTER }));
  const conf = join(scratch.folder, "endurance.conf");
  const positions = join(scratch.folder, "positions");
  const probed = join(scratch.folder, "probe.jsonl");
  writeConf(conf, {
    id: ID,
    sync_mode: "all",
    "source.endpoint_url": streams.source.endpoint,
    "target.address": mongod.uri,
    "checkpoint.type": checkpoint,
    ...(checkpoint === "file" && { "checkpoint.address": positions }),
    "full_sync.http_port": "-1",
    "incr_sync.http_port": "0",
    "increase.new_tables": "5",
    on_gap: "resync",
    plugins: resolve(import.meta.dirname, "probe.ts"),
    ...Object.fromEntries(flags.set.map((each) => each.split(/=(.*)/s).slice(0, 2) as [string, string])),
  });
  const log = join(scratch.folder, "log");
  const child = Bun.spawn(toolCommand({ tool: flags.tool }, [`-conf=${conf}`]), {
    cwd: scratch.folder,
    env: { ...environment, NIMO_PROBE: probed },
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(`${log}.err`),
  });
  cleanup.defer(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const output = (): string =>
    [log, `${log}.err`].map((file) => (existsSync(file) ? readFileSync(file, "utf8") : "")).join("\n");
  const lives = startLives(streams, perSecond);
  cleanup.defer(() => lives.rest());
  const begun = Date.now();
  const samples: Sample[] = [];
  let toldAt = 0;
  while (Date.now() - begun < minutes * MINUTE) {
    await sleep(EVERY, undefined, { signal });
    if (child.exitCode !== null)
      throw new Error(`the run has ended with ${child.exitCode}:\n${output().slice(-3000)}`);
    await visit(output());
    const size = checkpoint === "file" ? sizeInFiles(positions) : await sizeInMongo(client, ID);
    const sample = {
      at: (Date.now() - begun) / SECOND,
      ...processSize(child.pid),
      checkpointParts: size.parts,
      checkpointKb: size.bytes / 1024,
    };
    samples.push(sample);
    if (Date.now() - toldAt < MINUTE) continue;
    toldAt = Date.now();
    const { at, rss, descriptors } = sample;
    say(
      `${at.toFixed(0)} s: ${rss.toFixed(0)} MB, ${descriptors} descriptors, ${size.parts} parts; ${JSON.stringify(lives.deeds)}`,
    );
  }
  await lives.rest();
  const isEqual = await endsEqual(conf, scratch.folder);
  // One that wasn't switched over goes on.
  if (!isEqual) child.kill();
  const code = await child.exited;
  if (isEqual && code !== 0) throw new Error(`the run has ended with ${code}:\n${output().slice(-3000)}`);
  const inside = readFileSync(probed, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Inside);
  return {
    at: new Date(begun).toISOString(),
    minutes,
    checkpoint,
    deeds: lives.deeds,
    isEqual,
    verdict: verdictOf(samples, inside),
    samples,
    inside,
  };
}

/** Looks at the status port, as Prometheus and a browser do. */
async function visit(output: string): Promise<void> {
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
  if (address === undefined) return;
  for (const path of ["/metrics", "/metric", "/"]) await (await fetch(address + path)).text();
  const events = await fetch(`${address}/events`);
  await events.body!.getReader().read();
  await events.body!.cancel().catch(() => {});
}

/** Applies all that was written, compares both sides, and ends the run. */
async function endsEqual(conf: string, cwd: string): Promise<boolean> {
  say("switching over, with a comparison");
  const command = toolCommand({ tool: flags.tool }, [
    "switchover",
    "-c",
    conf,
    "--timeout",
    "8m",
    "--verify",
  ]);
  const switching = Bun.spawn(command, {
    cwd,
    env: environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(switching.stdout).text(),
    new Response(switching.stderr).text(),
    switching.exited,
  ]);
  if (code !== 0) say(out.slice(-2000) + err.slice(-2000));
  return code === 0;
}

function verdictOf(samples: Sample[], inside: Inside[]): Judged[] {
  const of = <Row>(rows: Row[], value: (row: Row) => number): number[] => rows.map(value);
  const flat = { share: 0.1, more: 0 };
  return [
    judge({ name: "resident memory, MB", values: of(samples, ({ rss }) => rss), allowed: flat }),
    judge({
      name: "open descriptors",
      values: of(samples, ({ descriptors }) => descriptors),
      allowed: { share: 0, more: 4 },
    }),
    judge({
      name: "checkpoint, parts",
      values: of(samples, (each) => each.checkpointParts),
      allowed: { share: 0.1, more: 10 },
    }),
    judge({
      name: "checkpoint, KB",
      values: of(samples, (each) => each.checkpointKb),
      allowed: { share: 0.1, more: 2 },
    }),
    judge({
      name: "timers",
      least: true,
      values: of(inside, ({ Timeout }) => Timeout),
      allowed: { share: 0.1, more: 10 },
    }),
    judge({
      name: "abort signals",
      least: true,
      values: of(inside, ({ AbortSignal }) => AbortSignal),
      allowed: { share: 0.1, more: 20 },
    }),
    judge({
      name: "listeners of the run's end",
      values: of(inside, ({ listeners }) => listeners),
      allowed: { share: 0, more: 10 },
    }),
    judge({ name: "live objects", least: true, values: of(inside, ({ objects }) => objects), allowed: flat }),
  ];
}

if (flags.help) console.log(HELP);
else {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => abort.abort(new Error(`stopped by ${name}`)));
  try {
    const report = await run(abort.signal);
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, "endurance.json"), `${JSON.stringify(report)}\n`);
    writeFileSync(join(flags.out, "endurance.svg"), await plotSamples(report.samples));
    console.log(verdictLines(report.verdict).join("\n"));
    console.log(report.isEqual ? "source and target are equal" : "source and target DIFFER");
    console.log(`kept in ${resolve(flags.out)}: endurance.json, endurance.svg`);
    if (!report.isEqual || report.verdict.some(({ grows }) => grows)) process.exitCode = 1;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
