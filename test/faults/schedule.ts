/** Plays one schedule: a migration, a writer, faults, the end, and then the comparison. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorCode } from "../../core/errors.ts";
import type { Settings } from "../e2e/helpers.ts";
import { compare, describeDifference, type Difference } from "./compare.ts";
import { type Configuration, describe, type Wanted } from "./configuration.ts";
import { expectedEntry } from "./expected.ts";
import { filesLeft, processesLeft } from "./left.ts";
import { configurationOf, drawPlan, type Plan, type Size } from "./plan.ts";
import { createRandom } from "./random.ts";
import { SKEW } from "./servers-world.ts";
import { createTool, Misbehaved, type Tool } from "./tool.ts";
import { createWriter, type Writer } from "./writer.ts";
import type { OpenWorld, Scene, World } from "./world.ts";

const SECOND = 1000;
/** Differences that are shown. */
const SHOWN = 5;
/** Of all steps, one fault that hangs included. */
const PLAY_LIMIT = 150 * SECOND;
/** Of the way to the tip, when nothing goes wrong any more: three records a request and a busy machine take a while. */
const END_LIMIT = 180 * SECOND;

/** What {@link playSchedule} takes. */
export interface ScheduleOptions {
  world: World;
  open: OpenWorld;
  seed: number;
  size: Size;
  wanted: Wanted;
  /** The log, line by line. */
  say(line: string): void;
  /** Where what the tool said is kept when something is wrong. */
  keep?: string | undefined;
}

/** What became of a schedule. */
export interface Result {
  seed: number;
  world: string;
  configuration: string;
  /** How often each kind of fault happened. */
  faults: Record<string, number>;
  /** Acknowledged at the source while the tool was at work. */
  changes: number;
  starts: number;
  /** Ends with a code, by code. */
  ended: Record<string, number>;
  seconds: number;
  /** What differs, what is left behind, what went on too long: empty when all is well. */
  wrong: string[];
}

/** Plays it to its end, whatever happens. */
export async function playSchedule(options: ScheduleOptions): Promise<Result> {
  const { world, open, seed, size, wanted, keep } = options;
  const begun = performance.now();
  const say = (line: string): void =>
    options.say(`${((performance.now() - begun) / SECOND).toFixed(1).padStart(5)} ${line}`);
  const configuration = configurationOf(seed, world, wanted);
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-faults-"));
  const disk = mkdtempSync(join(tmpdir(), "nimo-shake-faults-disk-"));
  const id = `faults-${seed}-${Date.now().toString(36)}`;
  const random = (concern: string): ReturnType<typeof createRandom> => createRandom(seed, concern);
  const wrong: string[] = [];
  const stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(disk, { recursive: true, force: true }));
  let tool: Tool | undefined;
  let writer: Writer | undefined;
  let plan: Plan | undefined;
  const happened: string[] = [];
  const over = new AbortController();
  let played: Promise<void> | undefined;
  let stage = "making the scene";
  try {
    const scene = stack.use(await open.scene({ id, folder, disk, configuration, random }));
    plan = drawPlan(seed, scene.faults, size);
    writer = createWriter(scene, random);
    tool = stack.use(
      createTool({
        folder,
        settings: { ...settingsOf(id, configuration), ...scene.settings },
        codes: new Set(plan.faults.flatMap(({ codes = [] }) => codes) as ErrorCode[]),
        preload: plan.faults.some(({ preload }) => preload),
        env: { FAULTS_SKEW: join(folder, SKEW) },
        say,
      }),
    );
    const at = (next: string): void => {
      stage = next;
      say(next);
    };
    const { signal } = over;
    played = play({ scene, plan, tool, writer, size, configuration, signal, happened, say, at });
    await Promise.race([played, tool.failed, writer.failed]);
    const different = await differences(scene, writer, configuration);
    if (different.length > 0) wrong.push(`${different.length} keys differ`);
    wrong.push(...different.slice(0, SHOWN).map(describeDifference));
    stage = "verify";
    const verified = await tool.ask(["verify"]);
    if (verified.code !== 0) wrong.push(`verify ended with ${verified.code}:\n${verified.said.slice(-2000)}`);
    wrong.push(...processesLeft(folder), ...filesLeft(folder), ...filesLeft(disk));
  } catch (error) {
    const what = error instanceof Misbehaved ? error.message : Bun.inspect(error);
    wrong.push(`while ${stage}: ${what.slice(-4000)}`);
  }
  if (wrong.length > 0 && keep !== undefined) keepOutputs(folder, join(keep, String(seed)));
  const { starts = 0, ended = new Map<string, number>() } = tool ?? {};
  over.abort();
  await Promise.allSettled([played, writer?.end(0)]);
  await stack.disposeAsync().catch((error: unknown) => wrong.push(`at its end: ${Bun.inspect(error)}`));
  return {
    seed,
    world: world.name,
    configuration: describe(configuration),
    faults: countOf(happened),
    changes: writer?.changes ?? 0,
    starts,
    ended: Object.fromEntries(ended),
    seconds: (performance.now() - begun) / SECOND,
    wrong,
  };
}

/** What the tool was told and has said. */
function keepOutputs(folder: string, place: string): void {
  mkdirSync(place, { recursive: true });
  for (const name of readdirSync(folder))
    if (/\.(out|conf)$/.test(name)) copyFileSync(join(folder, name), join(place, name));
}

function settingsOf(
  id: string,
  { target, checkpoint, spool, convert, onGap, settings }: Configuration,
): Settings {
  return {
    "conf.version": 4,
    id,
    sync_mode: target === "file" ? "full" : "all",
    "target.type": target,
    "checkpoint.type": checkpoint,
    incr_sync_parallel: spool,
    "convert.type": convert,
    on_gap: onGap,
    ...settings,
  };
}

interface Playing {
  scene: Scene;
  plan: Plan;
  tool: Tool;
  writer: Writer;
  size: Size;
  configuration: Configuration;
  /** Aborted when something is wrong already. */
  signal: AbortSignal;
  /** The names of what has happened. */
  happened: string[];
  say(line: string): void;
  at(stage: string): void;
}

async function play(playing: Playing): Promise<void> {
  const { scene, plan, tool, writer, size, configuration, happened, say, at } = playing;
  const signal = within(PLAY_LIMIT, playing);
  const isFollowed = configuration.target !== "file";
  at("filling the source");
  await writer.fill();
  const done = isFollowed ? undefined : tool.mayFinish();
  at("starting");
  tool.up();
  if (isFollowed) writer.start(size.perSecond);
  let isDone = false;
  void done?.then(() => (isDone = true));
  for (const { afterMs, happenings } of plan.steps) {
    await sleep(afterMs, undefined, { signal });
    if (isDone) break;
    at(happenings.map(({ what }) => what).join(" + "));
    happened.push(...happenings.map(({ name }) => name));
    await inTime(Promise.all(happenings.map(({ happen }) => happen({ tool, signal, say }))), signal);
  }
  at("ending the faults");
  await scene.calm();
  if (isFollowed) {
    at("waiting for the writer");
    await writer.end(size.changes);
    at(`ending by ${plan.ending}`);
    await inTime(end(playing), within(END_LIMIT, playing));
  } else {
    at("waiting for the end of the copy");
    await inTime(done!, within(END_LIMIT, playing));
  }
}

/** Nothing goes wrong any more, and nobody writes: it has to come to its end. */
async function end({ scene, plan, tool, writer, configuration, say }: Playing): Promise<void> {
  if (plan.ending === "switchover") {
    const done = tool.mayFinish();
    for (;;) {
      const { code, error, said } = await tool.ask(["switchover", "--timeout", "170s"]);
      say(`switchover: ${code} ${error ?? ""}`);
      if (code === 0) return await done;
      // it is on its way up
      if (error !== "NOT_RUNNING" && error !== "CONTROL_FAILED")
        throw new Misbehaved(`switchover ended with ${code}:\n${said}`);
      await sleep(SECOND);
    }
  }
  const isEqual = async (): Promise<boolean> =>
    (await differences(scene, writer, configuration)).length === 0;
  for (;;) {
    while (!(await isEqual())) await sleep(SECOND);
    const stopped = await tool.down("SIGTERM");
    // a table that was copied a moment ago may have been equal with older changes still to come: it says so
    if ((await isEqual()) || !stopped?.said.includes("not at the tip")) return;
    say("equal for a moment, and not at the tip: up again");
    tool.up();
  }
}

async function differences(
  scene: Scene,
  writer: Writer,
  { convert, plugin }: Configuration,
): Promise<Difference[]> {
  const all: Difference[] = [];
  for (const table of scene.tables) {
    const items = writer.items(table).filter((item) => plugin !== "filter" || item["hidden"] === undefined);
    const expected = items.map((item) => expectedEntry(table, item, convert));
    all.push(...compare(table.name, expected, await scene.found(table)));
  }
  return all;
}

function within(ms: number, { signal }: Playing): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}

/** What hangs is given up. */
function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Misbehaved("it isn't over in time")), { once: true });
  });
  return Promise.race([work, late]);
}

function countOf(names: string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, of]) => [name, of.length]));
}
