#!/usr/bin/env node
/** The command line: what the user typed becomes a command, and what happened an exit code. */
import { type CAC, cac } from "cac";
import pkg from "../package.json" with { type: "json" };
import { addCheck } from "./commands/check.ts";
import { addClean } from "./commands/clean.ts";
import { addInit } from "./commands/init.ts";
import { named, usage } from "./commands/options.ts";
import { addRun } from "./commands/run.ts";
import { addStatus } from "./commands/status.ts";
import { addSteering } from "./commands/steering.ts";
import { addVerify } from "./commands/verify.ts";
import { printError } from "./errors.ts";

/** Each adds what it is called, its options and what it does, in the order of the help. */
const COMMANDS: readonly ((cli: CAC) => void)[] = [
  addRun,
  addCheck,
  addVerify,
  addStatus,
  addSteering,
  addClean,
  addInit,
];

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
  for (const add of COMMANDS) add(cli);

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
