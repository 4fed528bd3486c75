/** `bun run bench proxy`: the full phase to a DynamoDB-protocol target that answers at once. See README.md. */
import { join } from "node:path";
import { ownTempFolder } from "../test/servers/process.ts";
import type { Options } from "./command-line.ts";
import { type Kind, type Session, takeTurns } from "./kind.ts";
import type { Sample } from "./measures.ts";
import { type Source, startServer, startSource } from "./measure.ts";
import type { ProxyStats } from "./proxy-target.ts";
import { perSecond, type Turn } from "./report.ts";
import { runTool, type ToolCommand } from "./run-tool.ts";
import { forgetReport, sampleOf, sharesIn } from "./sample.ts";
import type { SourceStats } from "./source.ts";
import { proxyTargets } from "./targets.ts";
import { prepareAgainst, proxyConf, setArgs, toolCommand, writeConf } from "./tool.ts";

async function open(options: Options, signal: AbortSignal): Promise<Session> {
  const { items, shape, sets, against, againstSets } = options;
  await using cleanup = new AsyncDisposableStack();
  const scratch = ownTempFolder("bench-proxy");
  cleanup.defer(() => scratch.remove());
  const cwd = scratch.folder;
  const source = cleanup.use(await startSource({ items, gsi: 0, shape }));
  const target = cleanup.use(await startServer<ProxyStats>("proxy-target.ts"));

  async function run(
    asked: Pick<ToolCommand<SourceStats>, "command" | "ends">,
    { from, count, folder }: { from: Source; count: number; folder: string },
  ): Promise<Sample> {
    await target.stats();
    forgetReport(folder);
    const result = await runTool({ ...asked, cwd: folder, items: count, source: from, signal });
    const given = await target.stats();
    if (given.items !== count) throw new Error(`${given.items} of ${count} items arrived`);
    return {
      ...sampleOf(result, count),
      ...sharesIn(folder),
      perSecond: perSecond(count, result.pureMs),
      sourceCpuUs: result.source.cpuUs / count,
      targetCpuUs: given.cpuUs / count,
    };
  }

  function tool(from: Source, count: number): Promise<Sample> {
    const file = join(cwd, "bench.conf");
    writeConf(file, proxyConf(from.url, target.url));
    const command = toolCommand(options, [`-conf=${file}`, ...setArgs(sets)]);
    return run({ command }, { from, count, folder: cwd });
  }

  function other(asked: string): Promise<Sample> {
    const conf = proxyConf(source.url, target.url);
    const { command, folder } = prepareAgainst({ against: asked, againstSets }, cwd, conf);
    return run({ command, ends: "either" }, { from: source, count: items, folder });
  }

  const owned = cleanup.move();
  return {
    sides: ["tool", ...(against ? ["against"] : [])],
    conf: proxyConf(source.url, target.url),
    async turn(number) {
      const turn: Turn = {};
      await takeTurns(number, {
        tool: async () => void (turn["tool"] = await tool(source, items)),
        ...(against && { against: async () => void (turn["against"] = await other(against)) }),
      });
      return turn;
    },
    async growth(many) {
      await using large = await startSource({ items: many, gsi: 0, shape });
      return { tool: await tool(large, many) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export default {
  words: { unit: "item", base: "floor" },
  open,
  targets: proxyTargets,
} satisfies Kind as Kind;
