/** `bun run test:faults`: migrations with faults that are drawn from seeds, and a comparison after each. See --help. */
import { join } from "node:path";
import { EXECUTABLE } from "../cli.ts";
import { run } from "../servers/command.ts";
import { ownTempFolder } from "../servers/process.ts";
import { type Asked, HELP, readCommandLine } from "./command-line.ts";
import { FULL, SHORT } from "./plan.ts";
import { kindsOf, tableOf } from "./results.ts";
import { playSchedule, type Result } from "./schedule.ts";
import type { World } from "./world.ts";
import { WORLDS } from "./worlds.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const SEEDS = 1_000_000;
const BUILD_LIMIT = 5 * MINUTE;

await main();

async function main(): Promise<void> {
  const asked = read();
  if (asked === undefined) return console.log(HELP);
  const chosen = WORLDS.find(({ name }) => name === asked.world);
  if (chosen === undefined) return refuse(`--world takes ${WORLDS.map(({ name }) => name).join(", ")}`);
  const tell = asked.json ? console.error : console.log;
  const results = await play(asked, chosen, tell);
  if (asked.json) console.log(JSON.stringify(results, null, 2));
  else console.log(`\n${tableOf(results)}\nfaults: ${kindsOf(results)}`);
  const isExact = results.every(({ wrong }) => wrong.length === 0);
  process.exitCode = isExact && results.length > 0 ? 0 : 1;
}

async function play(asked: Asked, world: World, tell: (line: string) => void): Promise<Result[]> {
  const results: Result[] = [];
  const build = ownTempFolder("build");
  try {
    process.env[EXECUTABLE] ??= await compile(build);
    await using open = await world.open();
    tell(`servers: ${open.names}`);
    for (const missing of open.missing) tell(`left out: ${missing}`);
    const deadline = Date.now() + asked.minutes * MINUTE;
    for (const seed of asked.seeds) {
      if (Date.now() > deadline) break;
      const { wanted, keep } = asked;
      const lines: string[] = [];
      const say = (line: string): void => void (asked.log ? tell(line) : lines.push(line));
      const size = asked.short ? SHORT : FULL;
      const result = await playSchedule({ world, open, seed, size, wanted, keep, say });
      results.push(result);
      if (result.wrong.length > 0) for (const line of [...lines, ...result.wrong]) tell(line);
      tell(lineOf(result));
    }
  } finally {
    await build.remove();
  }
  return results;
}

/** The executable starts sooner than the sources, and is what users have. */
async function compile(build: ReturnType<typeof ownTempFolder>): Promise<string> {
  const file = join(build.folder, "nimo-shake");
  const args = ["run", "compile", "--outfile", file];
  await run(build, process.execPath, args, BUILD_LIMIT, { cwd: process.cwd(), env: process.env });
  return file;
}

function lineOf({ seed, configuration, faults, changes, starts, seconds, wrong }: Result): string {
  const verdict = wrong.length === 0 ? "exact" : `${wrong.length} WRONG, again with --seed ${seed}`;
  const count = Object.values(faults).reduce((sum, n) => sum + n, 0);
  return `seed ${seed} (${configuration}): ${count} faults, ${changes} changes, ${starts} starts, ${seconds.toFixed(0)} s: ${verdict}`;
}

function read(): Asked | undefined {
  try {
    return readCommandLine(process.argv.slice(2), Math.floor(Math.random() * SEEDS));
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${HELP}`);
  }
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
