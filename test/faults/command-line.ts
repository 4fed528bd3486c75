/** What the fault suite is asked for. */
import { parseArgs } from "node:util";
import type { Configuration, Wanted } from "./configuration.ts";

/** What it understands. */
export const HELP = `bun run test:faults [options]: migrations with faults, drawn from seeds; exit 1 when one isn't exact

  --schedules N     how many, 1 at least; default 5, with --short those that CI runs
  --seed N          of the first one; the next ones follow it. A schedule's seed plays it again
  --world NAME      the world it is played on: servers, the default, or stand-ins
  --short           short ones, with seeds that are the same each time, two minutes in all
  --minutes N       no further schedule is begun after that
  --want KEY=VALUE  target, checkpoint, convert, plugin or onGap as it is said, not as it is drawn; may be given again
  --log             what happens in each schedule, line by line
  --keep FOLDER     keeps a schedule's working folder there when something is wrong with it
  --json            the results as JSON, and nothing else on standard output`;

/** What is asked for. */
export interface Asked {
  seeds: number[];
  world: string;
  short: boolean;
  minutes: number;
  wanted: Wanted;
  log: boolean;
  keep: string | undefined;
  json: boolean;
}

/** Those of CI: together they take two minutes; files and MongoDB, with and without the spool. */
const SHORT_SEEDS = [2, 3, 5];
const KEYS = ["target", "checkpoint", "convert", "plugin", "onGap"];
const DEFAULT_SCHEDULES = 5;

/**
 * Reads it; undefined: help.
 *
 * @throws Error for what it doesn't understand
 */
export function readCommandLine(args: string[], randomSeed: number): Asked | undefined {
  const { values } = parseArgs({
    args,
    options: {
      schedules: { type: "string" },
      seed: { type: "string" },
      world: { type: "string", default: "servers" },
      short: { type: "boolean", default: false },
      minutes: { type: "string" },
      want: { type: "string", multiple: true, default: [] },
      log: { type: "boolean", default: false },
      keep: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const { world, short, log, keep, json } = values;
  const seed = values.seed === undefined ? undefined : whole("--seed", values.seed, 0);
  const schedules =
    values.schedules === undefined
      ? seed === undefined
        ? DEFAULT_SCHEDULES
        : 1
      : whole("--schedules", values.schedules, 1);
  const first = seed ?? randomSeed;
  const isFixed = short && seed === undefined && values.schedules === undefined;
  return {
    seeds: isFixed ? SHORT_SEEDS : Array.from({ length: schedules }, (_, i) => first + i),
    world,
    short,
    log,
    keep,
    json,
    minutes: values.minutes === undefined ? Infinity : whole("--minutes", values.minutes, 1),
    wanted: wantedOf(values.want),
  };
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${name} takes a whole number from ${least}, not ${text}`);
  return value;
}

function wantedOf(pairs: string[]): Wanted {
  const entries = pairs.map((pair) => {
    const [key = "", value = ""] = pair.split("=", 2);
    if (!KEYS.includes(key)) throw new Error(`--want takes ${KEYS.join(", ")}, not ${key}`);
    return [key, value] as const;
  });
  return Object.fromEntries(entries) as Partial<Configuration>;
}
