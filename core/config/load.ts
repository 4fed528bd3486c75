/** Reads the configuration: --set over environment over file over defaults, all problems told at once. */
import { defu } from "defu";
import { brokenRules, warningsOf } from "./cross-key-rules.ts";
import { complete } from "./dependent-defaults.ts";
import { type ConfigSource, fromEnv, fromFile, fromSet, fromText, type PluginOptions } from "./sources.ts";
import { MigrationError } from "../errors.ts";
import { redactValue } from "./redact.ts";
import { DEFAULTS, parseSettings, SETTINGS } from "./settings.ts";
import type { Config, SettingKey } from "./config.ts";

/** Where {@link loadConfig} takes values from, strongest first; none is looked at unless given. */
export interface ConfigOptions {
  /** `--set`: `{ key: value }` or `["key=value"]`. */
  set?: Readonly<Record<string, string>> | readonly string[] | undefined;
  /** Usually `process.env`: `NIMO_` + the key in capitals with `_` for `.`. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The configuration file's path; with `text`, only its name in messages. */
  file?: string | undefined;
  /** The configuration file's content. */
  text?: string | undefined;
}

/** What {@link loadConfig} gives. */
export interface LoadedConfig {
  config: Config;
  /** To be shown to the user; without secrets. */
  warnings: string[];
  /** The keys that were given a value, rather than left to their default. */
  given: Set<SettingKey>;
  /** What is given as `plugin.<name>.<key>`, by name and key. */
  pluginOptions: PluginOptions;
}

const LONGEST_VALUE = 120;
const COMMENT = /\s#/;
const NO_COMMENTS = "a comment behind a value isn't supported, put it on a line of its own";
/** As text programs make them of plain ones. */
const QUOTED = /^[\u2018-\u201F\u00AB\u00BB]|[\u2018-\u201F\u00AB\u00BB]$/;
/** Their own syntax may have a # behind a blank. */
const FREE_TEXT: ReadonlySet<SettingKey> = new Set([
  "full.read.filter_expression",
  "full.read.filter_attributevalues",
]);

/**
 * Loads and checks the configuration. An empty value means the default, also when it hides a value of a weaker source.
 * Throws CONFIG_MISSING when the file can't be read, and CONFIG_INVALID with one line for each problem.
 *
 * @example
 * ```ts
 * import { loadConfig } from "nimo-shake";
 *
 * const text = "target.address = mongodb://127.0.0.1:27017";
 * const { config, warnings } = loadConfig({ text, env: process.env, set: ["sync_mode=full"] });
 * console.log(config["full.concurrency"], config["checkpoint.type"], warnings); // 4 mongodb []
 * ```
 */
export function loadConfig({ set, env, file, text }: ConfigOptions = {}): LoadedConfig {
  const sources: ConfigSource[] = [fromSet(set ?? []), fromEnv(env ?? {})];
  if (text !== undefined) sources.push(fromText(text, file));
  else if (file !== undefined) sources.push(fromFile(file));

  const merged: Partial<Record<SettingKey, string>> = defu({}, ...sources.map((source) => source.texts));
  const given = new Set(SETTINGS.map(({ key }) => key).filter((key) => (merged[key] ?? "") !== ""));
  const texts = Object.fromEntries(SETTINGS.map(({ key }) => [key, merged[key] || DEFAULTS[key]])) as Record<
    SettingKey,
    string
  >;

  const source = (key: SettingKey) => sources.find(({ texts }) => Object.hasOwn(texts, key));
  const commented = (key: SettingKey) =>
    given.has(key) && source(key)?.comments === true && COMMENT.test(texts[key]);
  const describe = (key: SettingKey, message: string) => {
    const shown = texts[key] === "" ? "" : ` = ${quote(redactValue(key, texts[key]))}`;
    const where = source(key)?.where(key) ?? "not given";
    return `${key}${shown} (${where}): ${message}${commented(key) ? `; ${NO_COMMENTS}` : ""}`;
  };

  const { values, issues } = parseSettings(texts);
  const config = complete(values);
  const problems = [
    ...sources.flatMap((each) => each.problems),
    ...[...issues, ...brokenRules(config, issues)].map(([key, allowed]) => describe(key, allowed)),
  ];
  if (problems.length > 0) throw invalid(problems);

  const warnings = [
    ...sources.flatMap((each) => each.warnings),
    ...[...given]
      .filter((key) => commented(key) && !FREE_TEXT.has(key))
      .map((key) => describe(key, "the # and what follows it are part of the value")),
    ...[...given]
      .filter((key) => QUOTED.test(texts[key]))
      .map((key) => describe(key, "the typographic quotes are part of the value")),
    ...warningsOf(values, given),
  ];
  const pluginOptions: PluginOptions = defu({}, ...sources.map((each) => each.pluginOptions));
  return { config, warnings, given, pluginOptions };
}

function quote(value: string): string {
  return JSON.stringify(value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value);
}

function invalid(problems: string[]): MigrationError {
  const message =
    problems.length === 1
      ? problems.join()
      : `${problems.length} problems in the configuration:\n  ${problems.join("\n  ")}`;
  return new MigrationError("CONFIG_INVALID", message, {
    hint: "nothing was touched; nimo-shake init writes a file that explains every key",
  });
}
