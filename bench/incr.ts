/** `bun run bench incr`: a stream's changes applied by the tool, against the same changes by key on one mongod. See README.md. */
import { MongoClient } from "mongodb";
import { join } from "node:path";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { itemsLeft } from "./changes.ts";
import type { Options } from "./command-line.ts";
import { lastAreThere, mustBeApplied, settle } from "./contents.ts";
import { incrFloor } from "./incr-floor.ts";
import { type Kind, type Session, takeTurns } from "./kind.ts";
import { CACHE_GB } from "./main.ts";
import type { Sample } from "./measures.ts";
import { startServer } from "./measure.ts";
import { TABLE } from "./orders.ts";
import { perSecond, type Turn } from "./report.ts";
import { runTool, type ToolResult } from "./run-tool.ts";
import { forgetReport, sampleOf, sharesIn } from "./sample.ts";
import type { StreamStats } from "./stream-source.ts";
import { incrTargets } from "./targets.ts";
import { followConf, ID, prepareAgainst, setArgs, toolCommand, writeConf } from "./tool.ts";

/** How often it is looked whether all is applied, in ms. */
const LOOK_MS = 10;
/** So many of the last items of a stream have to be there; all shards have some of them. */
const LAST = 64;

async function open(options: Options, signal: AbortSignal): Promise<Session> {
  const { items: records, shape, mix, sets, against, againstSets, shards, idle } = options;
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench-incr");
  cleanup.defer(() => scratch.remove());
  const cwd = scratch.folder;
  const mongod = await startMongod({ own: true, onDisk: true, cacheGb: CACHE_GB });
  cleanup.defer(() => mongod.stop());
  signal.throwIfAborted();
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
  const flags = { records, shape, shards, idle, mix: Number(mix) };
  const source = cleanup.use(
    await startServer<StreamStats>(
      "stream-source.ts",
      ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    ),
  );
  const conf = followConf(source.url, mongod.uri);
  const left = itemsLeft(records, mix);
  const applied = client.db(ID).collection(TABLE);
  const floor = options.floor ? incrFloor(client, { records, shape, mix }) : undefined;

  async function isApplied(over: AbortSignal): Promise<void> {
    // The estimate costs nothing, but passes by the number of all when there are removals.
    while (
      (await applied.estimatedDocumentCount()) !== left ||
      !(await lastAreThere(client, ID, { records, mix }, LAST))
    ) {
      over.throwIfAborted();
      await Bun.sleep(LOOK_MS);
    }
  }

  async function run(command: string[], folder: string): Promise<Sample> {
    await settle(client);
    forgetReport(folder);
    const asked = { command, cwd: folder, items: records, source, signal };
    const result = await runTool({ ...asked, done: isApplied, ends: "stopped" });
    await mustBeApplied(client, ID, { records, shape, mix, left });
    return { ...followed(result), ...sharesIn(folder) };
  }

  function followed(result: ToolResult<StreamStats>): Sample {
    const { wallMs: _wall, ...sample } = sampleOf(result, records);
    const { firstRecordAt } = result.source;
    const pureMs = result.doneAt - firstRecordAt;
    return {
      ...sample,
      perSecond: perSecond(records, pureMs),
      pureMs,
      firstMs: firstRecordAt - result.startedAt,
      sourceCpuUs: result.source.cpuUs / records,
    };
  }

  const owned = cleanup.move();
  return {
    sides: [...(floor ? ["floor"] : []), "tool", ...(against ? ["against"] : [])],
    conf,
    mongod: mongod.name,
    async turn(number) {
      const turn: Turn = {};
      await takeTurns(number, {
        ...(floor && {
          async floor() {
            await settle(client);
            const pureMs = await floor();
            turn["floor"] = { perSecond: perSecond(records, pureMs), pureMs };
          },
        }),
        async tool() {
          const file = join(cwd, "bench.conf");
          writeConf(file, conf);
          turn["tool"] = await run(toolCommand(options, [`-conf=${file}`, ...setArgs(sets)]), cwd);
        },
        ...(against && {
          async against() {
            const { command, folder } = prepareAgainst({ against, againstSets }, cwd, conf);
            turn["against"] = await run(command, folder);
          },
        }),
      });
      for (const side of ["tool", "against"]) {
        const sample = turn[side];
        if (sample?.pureMs !== undefined && turn["floor"]?.pureMs !== undefined)
          sample.ratio = turn["floor"].pureMs / sample.pureMs;
      }
      return turn;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export default {
  words: { unit: "record", base: "floor" },
  open,
  targets: incrTargets,
} satisfies Kind as Kind;
