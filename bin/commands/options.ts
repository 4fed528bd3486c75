/** What was typed after a command, as what it means; every command has some of it. */
import type { Command } from "cac";
import { MigrationError } from "../../core/errors.ts";
import { givesSettings } from "../../core/config/sources.ts";
import type { Flags } from "../setup.ts";

/** What was typed, as cac gives it: what is given twice is a list, what looks like a number is one. */
export type Options = Record<string, unknown>;

/** Adds the options that every command has which reads a configuration. */
export function withConfiguration(command: Command): Command {
  return command
    .option("-c, --conf <file>", "The configuration, nimo-shake.conf")
    .option("--set <key=value>", "Sets a key, whatever the file says; may be given again and again")
    .option(
      "--plugin <file|name>",
      "Adds a plugin, a file or one of filter, rename, pick, exclude and mask; may be given again and again",
    );
}

/**
 * The configuration's flags. A file may be left out when --set or the environment gives a key.
 *
 * @throws MigrationError USAGE
 */
export function flagsOf({ conf, set, plugin, fresh, again }: Options): Flags {
  if (Array.isArray(conf)) throw usage("more than one configuration file is given");
  const pairs = textsOf(set);
  const file = conf === undefined ? undefined : String(conf);
  if (file === undefined && pairs.length === 0 && !givesSettings(process.env))
    throw usage("no configuration file is given, nor a key by --set or in the environment");
  return { file, set: pairs, plugins: textsOf(plugin), fresh: fresh === true, again: again === true };
}

/** What is given of an option that may be given again and again. */
export function textsOf(value: unknown): string[] {
  return [value ?? []].flat().map(String);
}

/** An option's text; undefined: it isn't given. @throws MigrationError USAGE: it is given twice */
export function once(name: string, value: unknown): string | undefined {
  if (Array.isArray(value)) throw usage(`--${name} is given more than once`);
  return value === undefined ? undefined : String(value);
}

/** A word for a message. What doesn't look like a command may be a secret that lost its key. */
export function named(word: string): string {
  return /^[a-z][a-z-]{0,14}$/.test(word) ? `: ${word}` : "";
}

/** The error for what can't be understood. */
export function usage(
  message: string,
  hint = "nimo-shake -conf=nimo-shake.conf, or nimo-shake --help",
): MigrationError {
  return new MigrationError("USAGE", message, { hint });
}

/** The error for a command or option whose feature comes later. */
export function notYet(what: string): MigrationError {
  return new MigrationError("NOT_YET", `${what}: not yet`, { hint: "nimo-shake --help has what there is" });
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `5s`, `500ms`, `1.5m` or `2h` in ms; a number alone is in seconds. @throws MigrationError USAGE */
export function parseTime(option: string, text: string): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined) throw usage(`--${option} ${text} is no time`, "give one such as 5s, 500ms or 1m");
  return Number(amount) * UNITS[unit]!;
}
