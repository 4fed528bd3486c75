#!/usr/bin/env node
/** The command line: what the user typed becomes a command, and what happened an exit code. */
import { cac } from "cac";
import pkg from "../package.json" with { type: "json" };
import { MigrationError } from "../core/errors.ts";
import { printError } from "./errors.ts";
import { run } from "./run.ts";

/** Commands of the contract whose feature comes later. */
const LATER = ["check", "verify", "status", "init"];

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
      body: "  0 done · 1 failed · 2 refused before the start · 130/143 stopped by a signal",
    },
  ]);
  cli
    .command("[command]", "Runs the migration (the command run is the default)")
    .option("-c, --conf <file>", "The configuration, nimo-shake.conf")
    .option("--set <key=value>", "Sets a key, whatever the file says; may be given again and again")
    .option(
      "--plugin <file>",
      "Adds a plugin, a file or one of filter, rename, pick, exclude and mask; may be given again and again",
    )
    .option("--fresh", "Starts over, whatever an unfinished run has left")
    .example("  nimo-shake -conf=nimo-shake.conf")
    .example("  nimo-shake run -c nimo-shake.conf --set full.read.concurrency=4")
    .action(
      (
        command: string | undefined,
        flags: {
          conf?: string | string[];
          set?: string | string[];
          plugin?: string | string[];
          fresh?: boolean;
        },
      ) => {
        if (command !== undefined && LATER.includes(command)) throw notYet(command);
        if (command !== undefined && command !== "run")
          throw usage(`there is no such command${named(command)}`);
        if (Array.isArray(flags.conf)) throw usage("more than one configuration file is given");
        if (typeof flags.conf !== "string") throw usage("no configuration file is given");
        return run({
          file: flags.conf,
          set: [flags.set ?? []].flat(),
          plugins: [flags.plugin ?? []].flat(),
          fresh: flags.fresh === true,
        });
      },
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
    hint: "so far there is run: nimo-shake -conf=nimo-shake.conf",
  });
}
