/** Where settings come from: --set, the environment, the file. Each gives texts, and where each text stood. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { nearestTo } from "./nearest.ts";
import { decodeConf, parseConf } from "./conf-syntax.ts";
import type { SettingKey } from "./config.ts";
import { MigrationError } from "../errors.ts";
import { SETTINGS } from "./settings.ts";

/** Options by plugin name and key. */
export type PluginOptions = Record<string, Record<string, string>>;

/** The texts one source gives, known keys only, and what was wrong with the rest. */
export interface ConfigSource {
  texts: Partial<Record<SettingKey, string>>;
  /** What is given as `plugin.<name>.<key>`, by name and key. */
  pluginOptions: PluginOptions;
  /** Where a key was given, for messages. */
  where: (key: SettingKey) => string;
  /** Whether a `#` behind a value may have been meant as a comment. */
  comments: boolean;
  problems: string[];
  warnings: string[];
}

const KEYS: readonly SettingKey[] = SETTINGS.map(({ key }) => key);
const KNOWN: ReadonlySet<string> = new Set(KEYS);
const LONGEST_KEY = 48; // anything longer is rather a part of a secret than a misspelt key

/** An option of a plugin whose name is one word: a secret need not be in a file. */
const PLUGIN_VARIABLE = /^NIMO_PLUGIN_([A-Z0-9]+)_([A-Z0-9_]+)$/;

function isKnown(key: string): key is SettingKey {
  return KNOWN.has(key);
}

/** Keys whose feature comes later. */
const LATER: readonly string[] = [
  "queue",
  "source.export",
  "source.type",
  "target.db",
  "target.mongodb.id",
  "ttl",
  "workers",
];

/** Never shows the value: it may be the secret of a misspelt key. */
function unknownKey(key: string, where: string): string {
  if (LATER.includes(key)) return `${key} (${where}): not yet, what it is for isn't built`;
  const shown = key.length > LONGEST_KEY ? `${key.slice(0, 8)}…` : key;
  const nearest = nearestTo(key.toLowerCase(), KEYS);
  return `${shown} (${where}): is no known key${nearest === undefined ? "" : `; the nearest is ${nearest}`}`;
}

/** A `--set` without `=`; what isn't a key may be a secret and isn't repeated. */
function missingValue(key: string): string {
  return `--set ${isKnown(key) ? `${key}: ` : ""}must look like key=value`;
}

/** The values of `--set key=value`, of which the last of a key counts; as an object those of the library's `config`. */
export function fromSet(set: Readonly<Record<string, string>> | readonly string[]): ConfigSource {
  const place = Array.isArray(set) ? "--set" : "config";
  const source: ConfigSource = {
    texts: {},
    pluginOptions: {},
    where: () => place,
    comments: false,
    problems: [],
    warnings: [],
  };
  const pairs = Array.isArray(set) ? set.map(splitPair) : Object.entries(set);
  for (const [key, value] of pairs) {
    if (value === undefined) source.problems.push(missingValue(key));
    else if (isOption(source, key, value.trim())) continue;
    else if (!isKnown(key)) source.problems.push(unknownKey(key, place));
    else source.texts[key] = value.trim();
  }
  return source;
}

function splitPair(pair: string): [string, string | undefined] {
  const equals = pair.indexOf("=");
  if (equals >= 0) return [pair.slice(0, equals).trim(), pair.slice(equals + 1)];
  return [/^[\w.-]{0,48}/.exec(pair.trim())?.[0] ?? "", undefined];
}

/** The variables named after keys; other `NIMO_` variables are warned about, save the tests' own. */
export function fromEnv(env: Readonly<Record<string, string | undefined>>): ConfigSource {
  const names = new Map(SETTINGS.map((setting) => [setting.env, setting.key]));
  const where = (key: SettingKey) =>
    `environment variable ${SETTINGS.find((setting) => setting.key === key)?.env}`;
  const source: ConfigSource = {
    texts: {},
    pluginOptions: {},
    where,
    comments: false,
    problems: [],
    warnings: [],
  };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith("NIMO_") || name.startsWith("NIMO_TEST_")) continue;
    const key = names.get(name);
    const [, plugin, option] = PLUGIN_VARIABLE.exec(name) ?? [];
    if (key !== undefined) source.texts[key] = value.trim();
    else if (plugin !== undefined) {
      isOption(source, `plugin.${plugin}.${option}`.toLowerCase(), value.trim());
    } else {
      const nearest = nearestTo(name.toUpperCase(), [...names.keys()]);
      const known = nearest === undefined ? "" : `; the nearest is ${nearest} (${names.get(nearest)})`;
      source.warnings.push(`environment variable ${name} belongs to no key and is ignored${known}`);
    }
  }
  return source;
}

/** Whether the environment sets any key. */
export function givesSettings(env: Readonly<Record<string, string | undefined>>): boolean {
  return SETTINGS.some((setting) => (env[setting.env] ?? "").trim() !== "");
}

/** The settings in the text of a configuration file; `path` is the file's, for messages. */
export function fromText(content: string, path: string | undefined): ConfigSource {
  const at = (line: number | undefined) => `${path === undefined ? "" : `${basename(path)} `}line ${line}`;
  const { entries, problems, warnings } = parseConf(content);
  const lines = new Map(entries.map((entry) => [entry.key, entry.line]));
  const source: ConfigSource = {
    texts: {},
    pluginOptions: {},
    where: (key) => at(lines.get(key)),
    comments: true,
    problems: problems.map(({ line, message }) => `${at(line)}: ${message}`),
    warnings: warnings.map(({ line, message }) => `${at(line)}: ${message}`),
  };
  for (const { key, value, line } of entries) {
    if (isKnown(key)) source.texts[key] = value;
    else if (!isOption(source, key, value)) source.problems.push(unknownKey(key, at(line)));
  }
  return source;
}

/** Takes `plugin.<name>.<key>`; the name has no dots. */
function isOption({ pluginOptions }: ConfigSource, key: string, value: string): boolean {
  const [, name, option] = /^plugin\.([^.]+)\.(.+)$/.exec(key) ?? [];
  if (name === undefined || option === undefined) return false;
  pluginOptions[name] = { ...pluginOptions[name], [option]: value };
  return true;
}

/** The settings in a file. Throws CONFIG_MISSING when it can't be read. */
export function fromFile(path: string): ConfigSource {
  return fromText(readConf(path), path);
}

function readConf(path: string): string {
  try {
    return decodeConf(readFileSync(path));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EISDIR: "it is a folder",
      EACCES: "no right to read it",
    };
    throw new MigrationError("CONFIG_MISSING", `${path} can't be read: ${reasons[code] ?? code}`, {
      cause,
      hint: "give the path of a configuration file with -conf=FILE; nimo-shake init writes one",
    });
  }
}
