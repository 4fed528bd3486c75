/** What the command line has, as help texts, completions and the man page tell it: read from the commands themselves. */
import type { CAC, Command } from "cac";
import { CHANGEABLE } from "../../core/run/control.ts";
import { SETTINGS } from "../../core/config/settings.ts";
import { HOOK_PLUGIN_NAMES } from "../../plugins/index.ts";

/** The program's name. */
export const NAME = "nimo-shake";

/** What it is, in a sentence. */
export const ABOUT =
  "copies Amazon DynamoDB tables into MongoDB, or into what speaks DynamoDB's protocol, and follows their changes";

/** Its exit codes. */
export const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "done"],
  ["1", "failed"],
  ["2", "refused before the start"],
  ["3", "verify found differences"],
  ["130/143", "stopped by a signal"],
];

/** Shells that `completion` knows. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** What can be typed for a value: words that are known, keys with their values, or a file's name. */
export interface Value {
  /** As help shows it: `<file>`, `[N|P%]`. */
  text: string;
  /** It may be left out. */
  optional: boolean;
  file: boolean;
  words: readonly string[];
  /** Keys of the configuration, as `key=value`. */
  keys: readonly string[];
}

/** An option of a command. */
export interface Flag {
  /** As they are typed: `-c`, `--conf`. */
  names: readonly string[];
  /** As help shows it: `-c, --conf <file>`. */
  text: string;
  description: string;
  /** Undefined: it takes none. */
  value: Value | undefined;
}

/** A command. */
export interface Verb {
  name: string;
  /** With what follows it: `set <...key=value>`. */
  text: string;
  description: string;
  flags: readonly Flag[];
  /** What follows it; undefined: nothing. */
  value: Value | undefined;
  examples: readonly string[];
}

/** The whole command line. */
export interface CommandLine {
  verbs: readonly Verb[];
  /** What stands for itself, without a command. */
  flags: readonly Flag[];
}

/** What can be typed where a placeholder stands. */
const WORDS: Readonly<Record<string, Partial<Value>>> = {
  file: { file: true },
  "file|name": { file: true, words: HOOK_PLUGIN_NAMES },
  "key=value": { keys: SETTINGS.map(({ key }) => key) },
  "...key=value": { keys: CHANGEABLE },
  shell: { words: SHELLS },
  "no-delete": { words: ["no-delete"] },
};

/** Reads it; all commands have to be there. */
export function describeCommandLine(cli: CAC): CommandLine {
  const named = cli.commands.filter(({ name }) => name !== "");
  const names = named.map(({ name }) => name);
  return {
    verbs: named.map((command) => describeCommand(command, names)),
    flags: cli.globalCommand.options.map(describeFlag),
  };
}

function describeCommand(command: Command, names: readonly string[]): Verb {
  const { name, rawName: text, description } = command;
  const examples = command.examples.map((example) => (typeof example === "string" ? example : example(NAME)));
  return {
    name,
    text,
    description,
    flags: command.options.map(describeFlag),
    value: valueOf(text, { command: { words: names } }),
    examples: examples.length > 0 ? examples : [`${NAME} ${name} -c nimo-shake.conf`],
  };
}

function describeFlag({ rawName: text, description }: Command["options"][number]): Flag {
  return { names: text.match(/(?<![\w-])--?[a-z][\w-]*/g) ?? [], text, description, value: valueOf(text) };
}

function valueOf(text: string, more: Readonly<Record<string, Partial<Value>>> = {}): Value | undefined {
  const [shown, placeholder] = /[<[](.+)[>\]]/.exec(text) ?? [];
  if (shown === undefined) return undefined;
  const words = { ...WORDS, ...more }[placeholder!];
  return { text: shown, optional: shown.startsWith("["), file: false, words: [], keys: [], ...words };
}
