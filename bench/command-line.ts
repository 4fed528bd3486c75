/** The benchmark's command line: which options there are, for which kinds, and what they mean. */
import { parseArgs } from "node:util";
import { itemsOf, refuseUnless, shapeOf, wholeNumber, withProfileFolder } from "./flags.ts";
import type { Shape } from "./orders.ts";
import { EXECUTABLE } from "./executable.ts";
import { TOOL } from "./tool.ts";

/** What can be measured in runs that take turns. */
export const KINDS = ["full", "incr", "proxy", "verify"] as const;
export type KindName = (typeof KINDS)[number];

/** What one benchmark is to do. */
export interface Options {
  kind: KindName;
  shape: Shape;
  /** Of the table, or records of its stream. */
  items: number;
  /** Turns that count. */
  runs: number;
  tool: string;
  /** `key=value`, for the tool. */
  sets: string[];
  /** The command of another executable that reads a nimo-shake.conf. */
  against: string | undefined;
  /** The same for the other executable, written into its conf. */
  againstSets: string[];
  /** Whether the floor takes turns too. */
  floor: boolean;
  /** Whether the conf leaves the keys of speed to the tool. */
  defaults: boolean;
  growth: boolean;
  gsi: number;
  /** Documents that the source doesn't have. */
  extra: number;
  shards: number;
  idle: number;
  mix: boolean;
  /** In ms, there and back. */
  sourceLatency: number;
  targetLatency: number;
  /** The folder for CPU profiles. */
  profile: string | undefined;
  json: boolean;
  check: boolean;
}

interface Option {
  type: "string" | "boolean";
  /** How its value stands in the help. */
  value?: string;
  multiple?: true;
  /** Undefined: all. */
  kinds?: readonly KindName[];
  text: string;
}

const OPTIONS = {
  shape: {
    type: "string",
    value: "SHAPE",
    text: "size of an item: small (120 B), medium (0.7 KB), large (10 KB) or huge (400 KB) (medium)",
  },
  items: {
    type: "string",
    value: "N",
    text: "items, or records (300000, large 30000, huge 1000; incr a third of it)",
  },
  runs: { type: "string", value: "N", text: "turns that count, after one that doesn't (5)" },
  tool: {
    type: "string",
    value: "FILE",
    text: "the tool: a TypeScript file or an executable (dist/nimo-shake, built from the sources; with --profile bin/cli.ts)",
  },
  set: { type: "string", value: "key=value", multiple: true, text: "passed to the tool; may be repeated" },
  against: {
    type: "string",
    value: "CMD",
    kinds: ["full", "incr", "proxy"],
    text: "another executable, run in turns as CMD -conf=FILE",
  },
  "against-set": {
    type: "string",
    value: "key=value",
    multiple: true,
    kinds: ["full", "incr", "proxy"],
    text: "written into its conf; may be repeated",
  },
  "no-floor": { type: "boolean", kinds: ["full", "incr"], text: "without the floor" },
  defaults: { type: "boolean", kinds: ["full"], text: "the conf sets none of the keys of speed" },
  growth: {
    type: "boolean",
    kinds: ["full", "proxy", "verify"],
    text: "one more run of the tool with ten times the items, for its memory",
  },
  gsi: {
    type: "string",
    value: "N",
    kinds: ["full"],
    text: "global secondary indexes of the table, 0 to 2 (0)",
  },
  extra: {
    type: "string",
    value: "N",
    kinds: ["verify"],
    text: "one more verify with so many documents that the source doesn't have (0)",
  },
  shards: { type: "string", value: "N", kinds: ["incr"], text: "shards that have the records (4)" },
  idle: { type: "string", value: "N", kinds: ["incr"], text: "shards that stay empty beside them (0)" },
  mix: {
    type: "boolean",
    kinds: ["incr"],
    text: "of ten records five insert, four modify and one removes; else all insert",
  },
  "source-latency": {
    type: "string",
    value: "MS",
    kinds: ["full", "verify"],
    text: "so long an answer of the source takes (0)",
  },
  "target-latency": {
    type: "string",
    value: "MS",
    kinds: ["full"],
    text: "so far mongod is from the tool, there and back (0)",
  },
  profile: {
    type: "string",
    value: "[=DIR]",
    text: "CPU profiles of the tool, written to DIR (.); they cost speed",
  },
  json: { type: "boolean", text: "the report as JSON" },
  check: { type: "boolean", text: "exit code 1 when a target is missed" },
  compare: { type: "boolean", text: "measures nothing: two reports that --json gave, side by side" },
  help: { type: "boolean", text: "this" },
} satisfies Record<string, Option>;

/** What `--help` prints. */
export function helpText(): string {
  const lines = Object.entries<Option>(OPTIONS).map(([name, { value, kinds, text }]) => {
    const given = value === undefined ? "" : value.startsWith("[") ? value : `=${value}`;
    const written = name === "compare" ? "--compare A.json B.json" : `--${name}${given}`;
    return `  ${written.padEnd(25)}${text}${kinds ? ` [${kinds.join(", ")}]` : ""}`;
  });
  return [
    `bun run bench [${KINDS.join("|")}] [options], or many, which has options of its own`,
    "",
    ...lines,
  ].join("\n");
}

/** What is wanted: a benchmark, a comparison of two files, or help. */
export type Wanted =
  | { do: "measure"; options: Options }
  | { do: "compare"; files: [string, string] }
  | { do: "help" };

/** Throws with one line for what can't be meant. */
export function readCommandLine(argv: string[]): Wanted {
  const { values, positionals } = parseArgs({
    args: withProfileFolder(argv),
    options: OPTIONS,
    allowPositionals: true,
  });
  if (values.help) return { do: "help" };
  if (values.compare) {
    const [one, other, ...more] = positionals;
    refuseUnless(one !== undefined && other !== undefined && more.length === 0, "--compare takes two files");
    return { do: "compare", files: [one!, other!] };
  }
  const [name = "full", ...more] = positionals;
  const kind = KINDS.find((each) => each === name);
  refuseUnless(kind !== undefined && more.length === 0, `one of ${KINDS.join(", ")} is measured`);
  for (const each of Object.keys(values) as (keyof typeof OPTIONS)[]) {
    const { kinds }: Option = OPTIONS[each];
    refuseUnless(kinds?.includes(kind!) ?? true, `--${each} is for ${kinds?.join(", ")}`);
  }
  const number = (option: keyof typeof values, usual: number, least: number, most: number): number =>
    wholeNumber(option, (values[option] as string | undefined) ?? String(usual), least, most);
  const shape = shapeOf(values.shape ?? "medium");
  return {
    do: "measure",
    options: {
      kind: kind!,
      shape,
      items: itemsOf(values.items, shape, kind === "incr" ? 1 / 3 : 1),
      runs: number("runs", 5, 1, 100),
      tool: values.tool ?? (values.profile === undefined ? EXECUTABLE : TOOL),
      sets: values.set ?? [],
      against: values.against,
      againstSets: values["against-set"] ?? [],
      floor: !values["no-floor"],
      defaults: values.defaults ?? false,
      growth: values.growth ?? false,
      gsi: number("gsi", 0, 0, 2),
      extra: number("extra", 0, 0, 100_000),
      shards: number("shards", 4, 1, 10_000),
      idle: number("idle", 0, 0, 10_000),
      mix: values.mix ?? false,
      sourceLatency: number("source-latency", 0, 0, 10_000),
      targetLatency: number("target-latency", 0, 0, 10_000),
      profile: values.profile,
      json: values.json ?? false,
      check: values.check ?? false,
    },
  };
}
