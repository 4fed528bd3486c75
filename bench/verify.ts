/** `bun run bench verify`: comparing a table with its copy against copying it, alternately. See README.md. */
import { Binary, Int32, MongoClient } from "mongodb";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { mustBeComplete, settle } from "./contents.ts";
import {
  GROWTH_FACTOR,
  itemsOf,
  refuse,
  settingsOf,
  shapeOf,
  wholeNumber,
  withProfileFolder,
} from "./flags.ts";
import { CACHE_GB, main, say } from "./main.ts";
import { runTool, type Source, startSource, type ToolResult } from "./measure.ts";
import { TABLE } from "./orders.ts";
import { ID, setArgs, TOOL, toolCommand, tunedConf, writeConf } from "./tool.ts";
import { type Extras, formatVerify, type Pair, summarizeVerify, type VerifyReport } from "./verify-report.ts";

const HELP = `bun run bench verify [options]
  --shape=SHAPE     size of an item: small (120 B), medium (0.7 KB) or large (10 KB) (medium)
  --items=N         items in the table (300000, large: 30000)
  --runs=N          pairs of copy and verify that count, after one that doesn't (5)
  --extra=N         one more verify with so many documents that the source doesn't have (0)
  --growth          one more pair with ten times the items; with --extra that one has them
  --tool=FILE       the tool: a TypeScript file or an executable (bin/cli.ts)
  --set key=value   passed to the tool; may be repeated
  --profile[=DIR]   CPU profiles of verify, written to DIR (.); they cost speed
  --json            the report as JSON
  --check           exit code 1 when a target is missed`;

const SAMPLE_MS = 20;
const DIFFERENT = 3;
/** Sort keys of planted documents begin here, below those of all orders. */
const FIRST_EXTRA = 1_000_000_000;
const MOST_EXTRAS = 100_000;

function parse() {
  try {
    return parseArgs({
      args: withProfileFolder(process.argv.slice(2)),
      options: {
        shape: { type: "string", default: "medium" },
        items: { type: "string" },
        runs: { type: "string", default: "5" },
        extra: { type: "string", default: "0" },
        growth: { type: "boolean", default: false },
        tool: { type: "string", default: TOOL },
        set: { type: "string", multiple: true, default: [] },
        profile: { type: "string" },
        json: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error, HELP);
  }
}
const flags = parse();

/** What `verify --json` prints, as far as it is looked at. */
interface Verdict {
  compared: number;
  equal: number;
  extra: number;
  differences: number;
}

/** Bytes of the files in a folder and those in it. */
function folderBytes(folder: string): number {
  try {
    return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? folderBytes(path) : statSync(path).size);
    }, 0);
  } catch {
    // It comes and goes.
    return 0;
  }
}

async function withSpill(folder: string, work: () => Promise<ToolResult>): Promise<Pair["verify"]> {
  let spillBytes = 0;
  const sampler = setInterval(() => (spillBytes = Math.max(spillBytes, folderBytes(folder))), SAMPLE_MS);
  try {
    return { ...(await work()), spillBytes };
  } finally {
    clearInterval(sampler);
  }
}

/** Puts documents there that the source doesn't have. */
async function plant(client: MongoClient, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, i) => ({
    pk: `extra#${i}`,
    sk: new Int32(FIRST_EXTRA + i),
    body: new Binary(new Uint8Array(500)),
  }));
  for (let at = 0; at < count; at += 1000)
    await client
      .db(ID)
      .collection(TABLE)
      .insertMany(documents.slice(at, at + 1000));
}

async function bench(signal: AbortSignal): Promise<VerifyReport> {
  const shape = shapeOf(flags.shape);
  const items = itemsOf(flags.items, shape);
  const runs = wholeNumber("runs", flags.runs, 1, 100);
  const planted = wholeNumber("extra", flags.extra, 0, MOST_EXTRAS);
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench-verify");
  cleanup.defer(() => scratch.remove());
  const cwd = scratch.folder;
  const conf = join(cwd, "bench.conf");
  const sets = setArgs(flags.set);
  const copying = toolCommand({ tool: flags.tool }, [`-conf=${conf}`, ...sets]);
  const comparing = toolCommand(flags, ["verify", `-conf=${conf}`, "--json", "--settle=1s", ...sets]);
  // never the user's own server: everything on it is dropped between the runs
  const mongod = await startMongod({ own: true, cacheGb: CACHE_GB });
  cleanup.defer(() => mongod.stop());
  signal.throwIfAborted();
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
  // Verify pays for none of the copy's writes that wait for the disk.
  const writeDown = (): Promise<unknown> => client.db("admin").command({ fsync: 1 });

  async function verify(source: Source, of: number, extra: number): Promise<Pair["verify"]> {
    await writeDown();
    const code = extra > 0 ? DIFFERENT : 0;
    const command = { command: comparing, cwd, items: of, source, signal, done: '"isEqual"', code };
    const result = await withSpill(join(cwd, `${ID}-verify`), () => runTool(command));
    const { compared, equal, differences } = JSON.parse(result.output) as Verdict;
    if (compared !== of || equal !== of || differences !== extra)
      throw new Error(`verify has seen something else than ${of} equal items: ${result.output}`);
    return result;
  }
  async function pair(source: Source, of: number): Promise<Pair> {
    await settle(client);
    const copy = await runTool({ command: copying, cwd, items: of, source, signal });
    await mustBeComplete(client, ID, of);
    return { copy, verify: await verify(source, of, 0) };
  }
  /** After a pair. */
  async function withExtras({ copy }: Pair, source: Source, of: number): Promise<Extras | undefined> {
    if (planted === 0) return undefined;
    await plant(client, planted);
    const result = await verify(source, of, planted);
    return { copy, verify: result, planted, found: (JSON.parse(result.output) as Verdict).extra };
  }
  async function withSource<T>(of: number, work: (source: Source) => Promise<T>): Promise<T> {
    await using source = await startSource({ items: of, gsi: 0, shape });
    writeConf(conf, tunedConf(source.url, mongod.uri));
    return await work(source);
  }
  const described = ({ copy, verify: { wallMs, peakBytes } }: Pair): string =>
    `copy ${Math.round(copy.wallMs)} ms, verify ${Math.round(wallMs)} ms, ${Math.round(peakBytes / 2 ** 20)} MB`;

  let extras: Extras | undefined;
  const pairs = await withSource(items, async (source) => {
    const measured: Pair[] = [];
    // run 0 warms up disk, caches and mongod
    for (let run = 0; run <= runs; run++) {
      const one = await pair(source, items);
      say(`${run === 0 ? "warm-up" : `run ${run}`}: ${described(one)}`);
      if (run > 0) measured.push(one);
    }
    if (!flags.growth) extras = await withExtras(measured.at(-1)!, source, items);
    return measured;
  });
  let big: Pair | undefined;
  if (flags.growth) {
    const many = items * GROWTH_FACTOR;
    big = await withSource(many, async (source) => {
      const one = await pair(source, many);
      say(`${many} items: ${described(one)}`);
      extras = await withExtras(one, source, many);
      return one;
    });
  }
  const used = { ...tunedConf("", ""), ...settingsOf(flags.set) };
  return summarizeVerify(pairs, { big, extras, conf: used });
}

await main(flags, { help: HELP, run: bench, format: formatVerify });
