/** The command `init`: questions and answers become a commented configuration. */
import { existsSync } from "node:fs";
import type { CAC } from "cac";
import { defu } from "defu";
import pkg from "../../package.json" with { type: "json" };
import type { SettingKey } from "../../core/config/config.ts";
import { loadConfig } from "../../core/config/load.ts";
import { allSettings, createRedactor } from "../../core/config/redact.ts";
import { fromEnv, fromSet, givesSettings, type PluginOptions } from "../../core/config/sources.ts";
import { MigrationError, toMigrationError } from "../../core/errors.ts";
import { type Asker, isTerminal, terminalAsker } from "../ask.ts";
import { confText, type Texts } from "../init/conf-text.ts";
import { problemOf } from "../init/dialogue.ts";
import { probeSource, probeTarget } from "../init/probe.ts";
import { askAll } from "../init/questions.ts";
import { rightsText } from "../init/rights-text.ts";
import { alreadyThere, writeConf } from "../init/write-conf.ts";
import { besideLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { loadSettings } from "../setup.ts";
import { type Options, textsOf, usage } from "./options.ts";

/** Adds it to the command line. */
export function addInit(cli: CAC): void {
  cli
    .command("init [file]", "Asks for what a migration needs, and writes a commented nimo-shake.conf")
    .option("-c, --conf <file>", "The same as the file behind init")
    .option("--set <key=value>", "Answers a question beforehand; may be given again and again")
    .option("--yes", "Asks nothing: what isn't given by --set and the environment has its default")
    .option("--force", "Writes over a file that is there")
    .option("--iam", "Writes nothing, and prints the rights that a configuration needs at both sides")
    .example("nimo-shake init")
    .example("nimo-shake init shop.conf --yes --set id=shop --set target.address=mongodb://127.0.0.1:27017")
    .example("nimo-shake init --iam -c nimo-shake.conf")
    .action((file: string | undefined, options: Options) => init(file, options));
}

/** Where it is written when nobody says it. */
const FILE = "nimo-shake.conf";

/** Who asks, and how a side is tried; tests have their own. */
export interface InitParts {
  ask: () => Promise<Asker>;
  isTerminal: () => boolean;
  probeSource: typeof probeSource;
  probeTarget: typeof probeTarget;
}

const PARTS: InitParts = { ask: terminalAsker, isTerminal, probeSource, probeTarget };

/**
 * Writes a configuration, or prints what one needs.
 *
 * @returns the exit code
 * @throws MigrationError when nobody can be asked, or what is given can't be used
 */
export async function init(
  file: string | undefined,
  options: Options,
  parts: InitParts = PARTS,
): Promise<number> {
  const path = pathOf(file, options);
  const set = textsOf(options["set"]);
  if (options["iam"] === true) return printRights(path, set);
  const to = path ?? FILE;
  const isAsking = options["yes"] !== true;
  if (isAsking && !parts.isTerminal())
    throw usage(
      "init has no terminal to ask on",
      "give --yes, and the values by --set and in the environment",
    );
  const over = options["force"] === true;
  if (!isAsking && !over && existsSync(to)) throw alreadyThere(to);
  const given = givenTexts(set);
  const begun = { ...given, to, over, set };
  try {
    return await (isAsking ? asked(begun, parts) : unasked(begun, parts));
  } catch (error) {
    const { code, exit } = toMigrationError(error);
    if (code !== "INTERRUPTED") throw error;
    process.stdout.write("stopped, nothing is written\n");
    return exit;
  }
}

interface Begun {
  texts: Texts;
  options: PluginOptions;
  to: string;
  over: boolean;
  set: string[];
}

/** With questions. */
async function asked({ texts, options, to, over }: Begun, parts: InitParts): Promise<number> {
  const ask = await parts.ask();
  ask.begin(`nimo-shake ${pkg.version}: a configuration for ${to}`);
  const isThere = existsSync(to);
  const refuses = async (): Promise<boolean> =>
    !(await ask.confirm({ message: `${to} is there: write over it?`, initial: false }));
  if (isThere && !over && (await refuses())) {
    ask.end("nothing is written");
    return 0;
  }
  const redact = (text: string): string => createRedactor(allSettings(texts, options))(text);
  await askAll({ ask, texts, redact, probeSource: parts.probeSource, probeTarget: parts.probeTarget });
  loadConfig({ set: texts as Record<string, string> });
  writeConf(to, confText(texts, options, pkg.version), over || isThere);
  ask.end(`${to} is written, and only you can read it. Next: nimo-shake check -c ${shellWord(to)}`);
  return 0;
}

/** From what is given alone; a side that can't be reached is a warning. */
async function unasked({ texts, options, to, over, set }: Begun, parts: InitParts): Promise<number> {
  const { config, warnings } = loadConfig({ set, env: process.env });
  const redact = createRedactor(allSettings(texts, options));
  return besideLog({ config, redact }, WORDS, async (output) => {
    const warn = warner(output, redact);
    for (const warning of warnings) warn(warning);
    const text = confText(texts, options, pkg.version);
    for (const probe of [parts.probeSource, parts.probeTarget]) {
      await probe(texts).catch((error: unknown) => {
        const { message, hint } = toMigrationError(error);
        warn(hint === undefined ? message : `${message} (${hint})`);
      });
    }
    writeConf(to, text, over);
    output.say({ text: `${to} is written` });
    output.say({ text: `next: nimo-shake check -c ${shellWord(to)}` });
    return 0;
  });
}

/** What it says goes to standard output, and warnings come whatever the level is. */
const WORDS = { level: "warn", words: process.stdout } as const;

function warner({ isJson, log }: Log, redact: (text: string) => string): (text: string) => void {
  return (text) => void (isJson ? log.warn(text) : process.stderr.write(`warning: ${redact(text)}\n`));
}

async function printRights(path: string | undefined, set: string[]): Promise<number> {
  const file = path ?? (existsSync(FILE) ? FILE : undefined);
  if (file === undefined && set.length === 0 && !givesSettings(process.env))
    throw usage(
      "no configuration is given whose rights could be told",
      "nimo-shake init --iam -c nimo-shake.conf",
    );
  const { config, warnings, redact } = loadSettings({ file, set });
  return besideLog({ config, redact }, WORDS, async (output) => {
    const warn = warner(output, redact);
    for (const warning of warnings) warn(warning);
    // No secret is in it, and a password may be a word of it: passwordPrompt().
    output.say({ text: rightsText(config), isPublic: true });
    return 0;
  });
}

/** What --set and the environment give. */
function givenTexts(set: string[]): { texts: Texts; options: PluginOptions } {
  const [strong, weak] = [fromSet(set), fromEnv(process.env)];
  const given = Object.entries({ ...weak.texts, ...strong.texts }).filter(([, value]) => value !== "");
  const texts = Object.fromEntries(given) as Texts;
  const problems = [
    ...strong.problems,
    ...given.flatMap(([key, value]) => {
      const problem = problemOf(key as SettingKey, value);
      return problem === undefined ? [] : [`${key}: ${problem}`];
    }),
  ];
  if (problems.length > 0)
    throw new MigrationError("CONFIG_INVALID", problems.join("\n  "), { hint: "nothing was written" });
  return { texts, options: defu({}, strong.pluginOptions, weak.pluginOptions) };
}

function pathOf(file: string | undefined, { conf }: Options): string | undefined {
  if (Array.isArray(conf) || (file !== undefined && conf !== undefined))
    throw usage("more than one configuration file is given");
  return file ?? (conf === undefined ? undefined : String(conf));
}

/** A path as it is typed. */
function shellWord(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
