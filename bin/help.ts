/** What `--help` and the command `help` print: all commands in short, or one of them with all its options. */
import type { CAC, Command } from "cac";
import { named, usage } from "./commands/options.ts";

/** A part of a help text, as cac makes it. */
interface Section {
  title?: string;
  body: string;
}

const ABOUT =
  "nimo-shake: copies Amazon DynamoDB tables into MongoDB, or into what speaks DynamoDB's protocol, and follows their changes";
const EXIT_CODES =
  "  0 done · 1 failed · 2 refused before the start · 3 verify found differences · 130/143 stopped by a signal";
/** Titles that cac gives its sections. */
const TITLES = { commands: "Commands", more: "For more info", options: "Options" } as const;
/** cac's own command for what has no name. */
const UNNAMED = "[command]";

/** Adds the command `help`, and the form of all help texts; to be called when all other commands are there. */
export function addHelp(cli: CAC): void {
  cli
    .command("help [command]", "Shows the options and examples of a command")
    .example("  nimo-shake help verify")
    .action((name: string | undefined) => {
      if (name === undefined) cli.globalCommand.outputHelp();
      else commandOf(cli, name).outputHelp();
      return 0;
    });
  for (const command of cli.commands)
    if (command.examples.length === 0) command.example(`  nimo-shake ${command.name} -c nimo-shake.conf`);
  cli.help(shaped);
}

/** @throws MigrationError USAGE */
function commandOf(cli: CAC, name: string): Command {
  const found = cli.commands.find((command) => command.name === name && name !== "");
  if (found !== undefined) return found;
  throw usage(`there is no such command${named(name)}`, "nimo-shake help lists the commands");
}

function shaped([, use, ...rest]: Section[]): Section[] {
  const commands = rest.find(({ title }) => title === TITLES.commands);
  return [
    { body: ABOUT },
    ...(commands === undefined ? ofCommand(use!, rest) : ofAll(commands)),
    { title: "Exit codes", body: EXIT_CODES },
  ];
}

/** All commands; what each takes is in its own help. */
function ofAll({ body }: Section): Section[] {
  const lines = body.split("\n").filter((line) => !line.trimStart().startsWith(UNNAMED));
  return [
    {
      title: "Usage",
      body: "  nimo-shake COMMAND [options]\n  nimo-shake -conf=nimo-shake.conf    the same as nimo-shake run -c nimo-shake.conf",
    },
    { title: TITLES.commands, body: lines.join("\n") },
    {
      title: "More",
      body: "  nimo-shake help COMMAND    its options and examples\n  nimo-shake --version       the version",
    },
    {
      title: "Configuration",
      body: [
        "  A file of lines key = value, given with -c FILE; nimo-shake init writes one that explains every key.",
        "  Stronger than the file are environment variables (NIMO_ and the key in capitals, with _ for .: NIMO_TARGET_ADDRESS),",
        "  and stronger than those is --set key=value. Where they give all that is needed, no file is.",
      ].join("\n"),
    },
  ];
}

function ofCommand(use: Section, rest: Section[]): Section[] {
  const body = use.body.replace("$ ", "");
  return [
    { title: "Usage", body: body.includes("nimo-shake help") ? body : `${body} [options]` },
    ...rest
      .filter(({ title }) => !title?.startsWith(TITLES.more))
      .map((section) =>
        section.title === TITLES.options ? { ...section, body: trimmed(section.body) } : section,
      ),
  ];
}

/** cac leaves a blank where a default would be. */
function trimmed(body: string): string {
  return body
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
