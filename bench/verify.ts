/** `bun run bench verify`: comparing a table with its copy against copying it, alternately. See README.md. */
import { Binary, Int32, MongoClient } from "mongodb";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import type { Options } from "./command-line.ts";
import { mustBeComplete, settle } from "./contents.ts";
import { settingsOf } from "./flags.ts";
import type { Kind, Session } from "./kind.ts";
import { CACHE_GB } from "./main.ts";
import type { Sample } from "./measures.ts";
import { type Source, startSource } from "./measure.ts";
import { TABLE } from "./orders.ts";
import { megabytes, number, type Turn } from "./report.ts";
import { runTool } from "./run-tool.ts";
import { forgetReport, sampleOf, sharesIn } from "./sample.ts";
import { verifyTargets } from "./targets.ts";
import { ID, setArgs, toolCommand, usualConf, writeConf } from "./tool.ts";

const SAMPLE_MS = 20;
const DIFFERENT = 3;
/** Sort keys of planted documents begin here, below those of all orders. */
const FIRST_EXTRA = 1_000_000_000;

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

/** The most that a folder held meanwhile, beside what the work gave. */
async function withSpill<T>(folder: string, work: () => Promise<T>): Promise<[T, number]> {
  let most = 0;
  const sampler = setInterval(() => (most = Math.max(most, folderBytes(folder))), SAMPLE_MS);
  try {
    return [await work(), most];
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

async function open(options: Options, signal: AbortSignal): Promise<Session> {
  const { items, shape, extra, sourceLatency } = options;
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench-verify");
  cleanup.defer(() => scratch.remove());
  const cwd = scratch.folder;
  const conf = join(cwd, "bench.conf");
  const sets = setArgs(options.sets);
  const copying = toolCommand({ tool: options.tool }, [`-conf=${conf}`, ...sets]);
  const comparing = toolCommand(options, ["verify", `-conf=${conf}`, "--json", "--settle=1s", ...sets]);
  // never the user's own server: everything on it is dropped between the runs
  const mongod = await startMongod({ own: true, onDisk: true, cacheGb: CACHE_GB });
  cleanup.defer(() => mongod.stop());
  signal.throwIfAborted();
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
  // Verify pays for none of the copy's writes that wait for the disk.
  const writeDown = (): Promise<unknown> => client.db("admin").command({ fsync: 1 });
  const sourceOf = (count: number): Promise<Source> =>
    startSource({ items: count, gsi: 0, shape, latency: sourceLatency });
  const source = cleanup.use(await sourceOf(items));

  async function compare(from: Source, count: number, planted: number): Promise<[Sample, Verdict]> {
    await writeDown();
    const code = planted > 0 ? DIFFERENT : 0;
    const asked = { command: comparing, cwd, items: count, source: from, signal, done: '"isEqual"', code };
    const [result, spill] = await withSpill(join(cwd, `${ID}-verify`), () => runTool(asked));
    const verdict = JSON.parse(result.output) as Verdict;
    const { compared, equal, differences } = verdict;
    if (compared !== count || equal !== count || differences !== planted)
      throw new Error(`verify has seen something else than ${count} equal items: ${result.output}`);
    return [{ ...sampleOf(result, count), spillMb: megabytes(spill) }, verdict];
  }

  async function pair(from: Source, count: number): Promise<Turn> {
    await settle(client);
    writeConf(conf, usualConf(from.url, mongod.uri));
    forgetReport(cwd);
    const result = await runTool({ command: copying, cwd, items: count, source: from, signal });
    await mustBeComplete(client, ID, count, settingsOf(options.sets)["convert.type"]);
    const copy: Sample = { ...sampleOf(result, count), ...sharesIn(cwd) };
    const [verify] = await compare(from, count, 0);
    verify.ratio = copy.wallMs! / verify.wallMs!;
    verify.pureRatio = copy.pureMs! / verify.pureMs!;
    return { copy, verify };
  }

  const owned = cleanup.move();
  return {
    sides: ["copy", "verify"],
    conf: usualConf(source.url, mongod.uri),
    mongod: mongod.name,
    turn: () => pair(source, items),
    async once() {
      if (extra === 0) return [];
      await plant(client, extra);
      const [{ wallMs = 0 }, found] = await compare(source, items, extra);
      const name = `all ${number(extra)} extra documents among ${number(items)}, in ${number(wallMs / 1000, 1)} s`;
      return [{ name, figure: number(found.extra), holds: found.extra === extra }];
    },
    async growth(many) {
      await using large = await sourceOf(many);
      return pair(large, many);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export default {
  words: { unit: "item", base: "copy" },
  open,
  targets: verifyTargets,
} satisfies Kind as Kind;
