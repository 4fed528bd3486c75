/** How a failure is shown that comes before the configuration is known: as far as it says, whatever else is wrong with it. */
import { allSettings, createRedactor } from "../../core/config/redact.ts";
import { type ConfigSource, fromEnv, fromFile, fromSet } from "../../core/config/sources.ts";
import { printError } from "../errors.ts";
import type { LogFormat } from "./line.ts";
import { createLog } from "./log.ts";

/** Commands beside a run, whose log file they leave alone. */
const BESIDE: ReadonlySet<string> = new Set([
  "check",
  "status",
  "switchover",
  "pause",
  "resume",
  "set",
  "init",
  "help",
  "completion",
  "man",
]);

/**
 * Says what a command has failed with where it has no log yet; gives the exit code.
 *
 * @param command its name; undefined: it is `run`, or none
 */
export async function failEarly(
  error: unknown,
  command: string | undefined,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { texts, pluginOptions } = settingsIn(argv, env);
  const format: LogFormat = texts["log.format"] === "json" ? "json" : "text";
  const debug = /^debug$/i.test(texts["log.level"] ?? "");
  const redact = createRedactor(allSettings(texts, pluginOptions), env);
  try {
    const level = debug ? "debug" : "info";
    const file = command !== undefined && BESIDE.has(command) ? undefined : texts["log.file"];
    const output = createLog({ level, format, file, buffer: false, redact });
    const exit = output.fail(error);
    await output.close();
    return exit;
  } catch {
    // The file can't be written, which may be what it is about.
    return printError(error, { debug, format, redact });
  }
}

/** The settings as the strongest of their places gives them; known keys only, nothing is checked. */
function settingsIn(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Pick<ConfigSource, "texts" | "pluginOptions"> {
  const [file] = given(argv, /^(?:--conf|-c)(?:=|$)/);
  const sources = [
    file === undefined ? undefined : readable(file),
    fromEnv(env),
    fromSet(given(argv, /^--set(?:=|$)/)),
  ];
  return {
    texts: Object.assign({}, ...sources.map((source) => source?.texts)),
    pluginOptions: Object.assign({}, ...sources.map((source) => source?.pluginOptions)),
  };
}

function readable(file: string): ConfigSource | undefined {
  try {
    return fromFile(file);
  } catch {
    return undefined;
  }
}

/** What is given to an option, as `--option value` or `--option=value`. */
function given(argv: readonly string[], option: RegExp): string[] {
  return argv.flatMap((arg, at) => {
    const [found] = option.exec(arg) ?? [];
    if (found === undefined) return [];
    const value = found.endsWith("=") ? arg.slice(found.length) : argv[at + 1];
    return value === undefined ? [] : [value];
  });
}
