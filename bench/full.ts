/** `bun run bench`: the tool's full migration against the floor, alternately on one mongod. See README.md. */
import { MongoClient } from "mongodb";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { mustBeComplete, sameAsFloor, settle } from "./contents.ts";
import {
  GROWTH_FACTOR,
  itemsOf,
  refuse,
  settingsOf,
  shapeOf,
  wholeNumber,
  withProfileFolder,
} from "./flags.ts";
import type { FloorResult } from "./floor.ts";
import { CACHE_GB, main, say } from "./main.ts";
import { runFloor, runTool, type Source, startSource, type ToolResult } from "./measure.ts";
import { format, type Report, summarize } from "./report.ts";
import { ID, setArgs, TOOL, toolCommand, tunedConf, writeConf } from "./tool.ts";

const HELP = `bun run bench [options]
  --shape=SHAPE     size of an item: small (120 B), medium (0.7 KB) or large (10 KB) (medium)
  --items=N         items in the table (300000, large: 30000)
  --runs=N          pairs of floor and tool that count, after one that doesn't (5)
  --tool=FILE       the tool: a TypeScript file or an executable (bin/cli.ts)
  --set key=value   passed to the tool; may be repeated
  --gsi=N           global secondary indexes of the table, 0 to 2 (0)
  --growth          one more run of the tool with ten times the items, for its memory
  --profile[=DIR]   CPU profiles of the tool, written to DIR (.); they cost speed
  --json            the report as JSON
  --check           exit code 1 when a target is missed`;

function parse() {
  try {
    return parseArgs({
      args: withProfileFolder(process.argv.slice(2)),
      options: {
        shape: { type: "string", default: "medium" },
        items: { type: "string" },
        runs: { type: "string", default: "5" },
        tool: { type: "string", default: TOOL },
        set: { type: "string", multiple: true, default: [] },
        gsi: { type: "string", default: "0" },
        growth: { type: "boolean", default: false },
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

async function bench(signal: AbortSignal): Promise<Report> {
  const shape = shapeOf(flags.shape);
  const items = itemsOf(flags.items, shape);
  const runs = wholeNumber("runs", flags.runs, 1, 100);
  const gsi = wholeNumber("gsi", flags.gsi, 0, 2);
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench");
  cleanup.defer(() => scratch.remove());
  const cwd = scratch.folder;
  const conf = join(cwd, "bench.conf");
  const command = toolCommand(flags, [`-conf=${conf}`, ...setArgs(flags.set)]);
  // never the user's own server: everything on it is dropped between the runs
  const mongod = await startMongod({ own: true, cacheGb: CACHE_GB });
  cleanup.defer(() => mongod.stop());
  signal.throwIfAborted();
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());

  const tool = async (source: Source, of: number): Promise<ToolResult> => {
    await settle(client);
    const result = await runTool({ command, cwd, items: of, source, signal });
    await mustBeComplete(client, ID, of);
    return result;
  };
  const floor = async (): Promise<FloorResult> => {
    await settle(client);
    const result = await runFloor({ uri: mongod.uri, items, gsi, shape, signal });
    await mustBeComplete(client, "floor", items);
    return result;
  };
  const withSource = async <T>(
    of: number,
    work: (source: Source, used: Record<string, string>) => Promise<T>,
  ): Promise<T> => {
    await using source = await startSource({ items: of, gsi, shape });
    const used = tunedConf(source.url, mongod.uri);
    writeConf(conf, used);
    return await work(source, used);
  };

  const { pairs, used } = await withSource(items, async (source, settings) => {
    const measured: { floor: FloorResult; tool: ToolResult }[] = [];
    // run 0 warms up disk, caches and mongod
    for (let run = 0; run <= runs; run++) {
      // whoever goes second finds a busier disk: take turns
      const first = run % 2 === 0 ? await floor() : undefined;
      const mine = await tool(source, items);
      if (run === 0 && !(await sameAsFloor(client, ID, items, shape)))
        say("note: the tool's documents differ from the floor's");
      const theirs = first ?? (await floor());
      const [inserts, indexes, whole] = [theirs.insertMs, theirs.indexMs, mine.wallMs].map(Math.round);
      const peak = Math.round(mine.peakBytes / 2 ** 20);
      say(
        `${run === 0 ? "warm-up" : `run ${run}`}: floor ${inserts} + ${indexes} ms, tool ${whole} ms, ${peak} MB`,
      );
      if (run > 0) measured.push({ floor: theirs, tool: mine });
    }
    return { pairs: measured, used: settings };
  });
  const big = flags.growth
    ? await withSource(items * GROWTH_FACTOR, (source) => tool(source, items * GROWTH_FACTOR))
    : undefined;
  return summarize(pairs, big, { ...used, ...settingsOf(flags.set) });
}

await main(flags, { help: HELP, run: bench, format });
