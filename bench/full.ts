/** `bun run bench full`: the full migration against the floor, in turns on one mongod. See README.md. */
import { MongoClient } from "mongodb";
import { join } from "node:path";
import { startMongod } from "../test/servers/mongod.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { mustBeComplete, mustHold, sameAsFloor, settle } from "./contents.ts";
import type { Options } from "./command-line.ts";
import { settingsOf } from "./flags.ts";
import { type Kind, type Session, takeTurns } from "./kind.ts";
import { CACHE_GB, say } from "./main.ts";
import { runFloor, type Source, startDelay, startSource } from "./measure.ts";
import { perSecond, type Turn } from "./report.ts";
import { runTool } from "./run-tool.ts";
import { forgetReport, sampleOf, sharesIn } from "./sample.ts";
import { fullTargets } from "./targets.ts";
import { ID, prepareAgainst, setArgs, toolCommand, usualConf, withoutSpeedKeys, writeConf } from "./tool.ts";

async function open(options: Options, signal: AbortSignal): Promise<Session> {
  const { items, gsi, shape, sets, against, sourceLatency, targetLatency } = options;
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench");
  cleanup.defer(() => scratch.remove());
  const cwd = scratch.folder;
  const conf = join(cwd, "bench.conf");
  const command = toolCommand(options, [`-conf=${conf}`, ...setArgs(sets)]);
  // never the user's own server: everything on it is dropped between the runs
  const mongod = await startMongod({ own: true, onDisk: true, cacheGb: CACHE_GB });
  cleanup.defer(() => mongod.stop());
  signal.throwIfAborted();
  const client = cleanup.adopt(new MongoClient(mongod.uri), (open) => open.close());
  const delay = targetLatency > 0 ? cleanup.use(await startDelay(mongod.uri, targetLatency)) : undefined;
  const target = delay?.url ?? mongod.uri;
  const confFor = (from: string): Record<string, string> => {
    const tuned = usualConf(from, target);
    return options.defaults ? withoutSpeedKeys(tuned) : tuned;
  };
  const sourceOf = (count: number): Promise<Source> =>
    startSource({ items: count, gsi, shape, latency: sourceLatency });
  const source = cleanup.use(await sourceOf(items));

  async function tool(turn: Turn, from: Source, count: number): Promise<void> {
    await settle(client);
    writeConf(conf, confFor(from.url));
    forgetReport(cwd);
    const result = await runTool({ command, cwd, items: count, source: from, signal });
    await mustBeComplete(client, ID, count, settingsOf(sets)["convert.type"]);
    turn["tool"] = {
      ...sampleOf(result, count),
      ...sharesIn(cwd),
      sourceCpuUs: result.source.cpuUs / count,
      ...(sourceLatency > 0 && { answerMs: result.source.answerMs, gapMs: result.source.gapMs }),
    };
  }

  async function floor(turn: Turn): Promise<void> {
    await settle(client);
    const { insertMs, indexMs, cpuUs } = await runFloor({ uri: target, items, gsi, shape, signal });
    await mustBeComplete(client, "floor", items);
    turn["floor"] = {
      perSecond: perSecond(items, insertMs + indexMs),
      insertMs,
      indexMs,
      wallMs: insertMs + indexMs,
      cpuUs: cpuUs / items,
    };
  }

  async function other(turn: Turn, asked: string): Promise<void> {
    await settle(client);
    const { againstSets } = options;
    const conf = usualConf(source.url, target);
    const { command, folder } = prepareAgainst({ against: asked, againstSets }, cwd, conf);
    forgetReport(folder);
    const result = await runTool({ command, cwd: folder, items, source, signal, ends: "either" });
    await mustHold(client, ID, items);
    turn["against"] = { ...sampleOf(result, items), ...sharesIn(folder) };
  }

  const owned = cleanup.move();
  return {
    sides: [...(options.floor ? ["floor"] : []), "tool", ...(against ? ["against"] : [])],
    conf: confFor(source.url),
    mongod: mongod.name,
    async turn(run) {
      const turn: Turn = {};
      await takeTurns(run, {
        ...(options.floor && { floor: () => floor(turn) }),
        async tool() {
          await tool(turn, source, items);
          if (run === 0 && !(await sameAsFloor(client, ID, items, shape)))
            say("note: the tool's documents differ from the floor's");
        },
        ...(against && { against: () => other(turn, against) }),
      });
      addRatios(turn);
      return turn;
    },
    async growth(many) {
      await using large = await sourceOf(many);
      const turn: Turn = {};
      await tool(turn, large, many);
      return turn;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Of one turn: the floor's time by that of the others. */
function addRatios({ floor, ...others }: Turn): void {
  if (floor?.wallMs === undefined) return;
  for (const sample of Object.values(others)) {
    sample.ratio = floor.wallMs / sample.wallMs!;
    sample.pureRatio = floor.wallMs / sample.pureMs!;
  }
}

export default {
  words: { unit: "item", base: "floor" },
  open,
  targets: fullTargets,
} satisfies Kind as Kind;
