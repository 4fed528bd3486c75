#!/usr/bin/env node
/** The command line: what the user typed becomes a command, and what happened an exit code. */
import { cac, type Command } from "cac";
import pkg from "../package.json" with { type: "json" };
import { MigrationError } from "../core/errors.ts";
import { printError } from "./errors.ts";
import { run } from "./run.ts";
import type { Flags } from "./setup.ts";
import { verify } from "./verify.ts";

/** Commands of the contract whose feature comes later. */
const LATER = ["check", "status", "init"];

const argv = process.argv.map(singleDash);
const debug = argv.some((arg) => /^(--set=)?log\.level=debug$/i.test(arg));
process.exitCode = await main().catch((error: unknown) => printError(error, { debug }));
// A server that doesn't answer any more must not keep the process: everything is closed by now.
process.stdout.write("", () => process.exit());

/** NimoShake's single-dash long options as everybody else writes them. */
function singleDash(arg: string): string {
  return arg.replace(/^-(?=(conf|version|help)(=|$))/, "--");
}

async function main(): Promise<number> {
  const cli = cac("nimo-shake");
  cli.option("-v, --version", "Shows the version");
  cli.help((sections) => [
    {
      body: "nimo-shake: copies Amazon DynamoDB tables into MongoDB, or into what speaks DynamoDB's protocol, and follows their changes",
    },
    ...sections.slice(1),
    {
      title: "Exit codes",
      body: "  0 done · 1 failed · 2 refused before the start · 3 verify found differences · 130/143 stopped by a signal",
    },
  ]);
  shared(cli.command("[command]", "Runs the migration (the command run is the default)"))
    .option("--fresh", "Starts over, whatever an unfinished run has left")
    .example("  nimo-shake -conf=nimo-shake.conf")
    .example("  nimo-shake run -c nimo-shake.conf --set full.read.concurrency=4")
    .action((command: string | undefined, options: Options) => {
      if (command !== undefined && LATER.includes(command)) throw notYet(command);
      if (command !== undefined && command !== "run")
        throw usage(`there is no such command${named(command)}`);
      return run(flagsOf(options));
    });
  shared(cli.command("verify", "Compares the target with the source; exit code 3: they differ"))
    .option("--tables <a;b>", "Compares these tables only")
    .option("--sample <N|P%>", "Compares so many items of each table, or such a share of them")
    .option("--keys <file>", "Compares these keys only: a JSON object a line, as in <id>-diff.jsonl")
    .option("--count-only", "Counts both sides, and looks at no document")
    .option("--settle <time>", "What isn't equal is looked at again after so long: 5s, 500ms, 1m")
    .option("--part <I/N>", "Takes the I-th of N parts of the tables, for several processes")
    .option(
      "--repair [no-delete]",
      "Writes what the source has over what differs, and removes what is extra; no-delete keeps it",
    )
    .option("--follow", "Goes on with what is changed at the source, until it is stopped")
    .option("--json", "Gives what came of it as JSON on standard output")
    .option("--fresh", "Begins anew, whatever an unfinished comparison has left")
    .example("  nimo-shake verify -c nimo-shake.conf")
    .example("  nimo-shake verify -c nimo-shake.conf --tables orders --sample 1%")
    .action((options: Options) =>
      verify({
        ...flagsOf(options),
        tables: once("tables", options.tables),
        sample: once("sample", options.sample),
        keys: once("keys", options.keys),
        countOnly: options.countOnly === true,
        settle: once("settle", options.settle),
        part: once("part", options.part),
        json: options.json === true,
        follow: options.follow === true,
        repair: options.repair,
      }),
    );

  try {
    cli.parse(argv, { run: false });
    if (cli.options["version"]) {
      process.stdout.write(`nimo-shake ${pkg.version}\n`);
      return 0;
    }
    if (cli.options["help"]) return 0;
    return (await cli.runMatchedCommand()) as number;
  } catch (error) {
    if (error instanceof Error && error.name === "CACError") {
      const unused = /^Unused args: `(.*)`$/.exec(error.message)?.[1];
      throw usage(unused === undefined ? error.message : `too many words are given${named(unused)}`);
    }
    throw error;
  }
}

/** What was typed, as cac gives it: what is given twice is a list, what looks like a number is one. */
type Options = Record<string, unknown> & { fresh?: boolean };

/** The options that every command has. */
function shared(command: Command): Command {
  return command
    .option("-c, --conf <file>", "The configuration, nimo-shake.conf")
    .option("--set <key=value>", "Sets a key, whatever the file says; may be given again and again")
    .option(
      "--plugin <file>",
      "Adds a plugin, a file or one of filter, rename, pick, exclude and mask; may be given again and again",
    );
}

function flagsOf({ conf, set, plugin, fresh }: Options): Flags {
  if (Array.isArray(conf)) throw usage("more than one configuration file is given");
  if (typeof conf !== "string") throw usage("no configuration file is given");
  return {
    file: conf,
    set: [set ?? []].flat().map(String),
    plugins: [plugin ?? []].flat().map(String),
    fresh: fresh === true,
  };
}

/** An option's text; undefined: it isn't given. */
function once(name: string, value: unknown): string | undefined {
  if (Array.isArray(value)) throw usage(`--${name} is given more than once`);
  return value === undefined ? undefined : String(value);
}

/** A word for a message. What doesn't look like a command may be a secret that lost its key. */
function named(word: string): string {
  return /^[a-z][a-z-]{0,14}$/.test(word) ? `: ${word}` : "";
}

function usage(message: string): MigrationError {
  return new MigrationError("USAGE", message, {
    hint: "nimo-shake -conf=nimo-shake.conf, or nimo-shake --help",
  });
}

function notYet(command: string): MigrationError {
  return new MigrationError("NOT_YET", `${command}: not yet`, {
    hint: "so far there are run and verify: nimo-shake -conf=nimo-shake.conf",
  });
}
