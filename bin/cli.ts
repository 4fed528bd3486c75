#!/usr/bin/env node
/** The command line: what the user typed becomes a command, and what happened an exit code. */
import { buildInfo, versionText } from "./build-info.ts";
import { createCommandLine } from "./commands/all.ts";
import { named, usage } from "./commands/options.ts";
import { failEarly } from "./log/early.ts";

const argv = process.argv.map(singleDash);
// Who reads may go away, as `head` does: no reason to end a migration.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const cli = createCommandLine();
process.exitCode = await main().catch((error: unknown) =>
  failEarly(error, cli.matchedCommandName, argv, process.env),
);
// A server that doesn't answer any more must not keep the process: everything is closed by now.
process.stdout.write("", () => process.exit());

/** NimoShake's single-dash long options as everybody else writes them. */
function singleDash(arg: string): string {
  return arg.replace(/^-(?=(conf|version|help)(=|$))/, "--");
}

async function main(): Promise<number> {
  try {
    cli.parse(argv, { run: false });
    if (cli.options["version"]) {
      process.stdout.write(`${versionText(buildInfo())}\n`);
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
