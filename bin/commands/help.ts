/** The commands `help`, `completion` and `man`, and what `--help` prints. */
import type { CAC } from "cac";
import { bashCompletion } from "../help/bash.ts";
import { type CommandLine, describeCommandLine, SHELLS } from "../help/description.ts";
import { fishCompletion } from "../help/fish.ts";
import { widthOf } from "../help/lines.ts";
import { manPage } from "../help/man.ts";
import { commandHelp, commandsHelp, helpText, type Section } from "../help/text.ts";
import { topicHelp } from "../help/topic.ts";
import { zshCompletion } from "../help/zsh.ts";
import { buildInfo } from "../build-info.ts";
import { named, usage } from "./options.ts";

const COMPLETIONS: Readonly<Record<(typeof SHELLS)[number], (line: CommandLine) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Adds them to the command line; to be called when all other commands are there. */
export function addHelp(cli: CAC): void {
  cli
    .command("help [command]", "Shows a command's options and examples; an error's meaning; what a key does")
    .example("nimo-shake help verify")
    .example("nimo-shake help STREAM_GAP")
    .example("nimo-shake help full.read.concurrency")
    .action((name: string | undefined) => print(helpText(sectionsOf(cli, name))));
  cli
    .command("completion <shell>", "Prints what completes commands, options and keys in bash, zsh or fish")
    .example("nimo-shake completion bash > ~/.local/share/bash-completion/completions/nimo-shake")
    .example('nimo-shake completion zsh > "${fpath[1]}/_nimo-shake"')
    .example("nimo-shake completion fish > ~/.config/fish/completions/nimo-shake.fish")
    .action((shell: string) => print(completionOf(cli, shell).trimEnd()));
  cli
    .command("man", "Prints the manual page, for man and for a file")
    .example("nimo-shake man | man -l -")
    .example("nimo-shake man > /usr/local/share/man/man1/nimo-shake.1")
    .action(() => print(manPage(describeCommandLine(cli), buildInfo()).trimEnd()));
  cli.help(() => sectionsOf(cli, cli.matchedCommand?.name || undefined));
  // cac has words of its own for it.
  cli.globalCommand.hasOption("help")!.description = "Shows the help, of a command too";
}

/** @throws MigrationError USAGE */
function sectionsOf(cli: CAC, name: string | undefined): Section[] {
  const line = describeCommandLine(cli);
  const width = widthOf(process.stdout);
  if (name === undefined) return commandsHelp(line, width);
  const found = line.verbs.find((verb) => verb.name === name);
  if (found !== undefined) return commandHelp(found, width);
  const topic = topicHelp(name, width);
  if (topic !== undefined) return topic;
  throw usage(`there is no such command, error or key${named(name)}`, "nimo-shake help lists the commands");
}

/** @throws MigrationError USAGE */
function completionOf(cli: CAC, shell: string): string {
  const known = SHELLS.find((each) => each === shell);
  if (known !== undefined) return COMPLETIONS[known](describeCommandLine(cli));
  throw usage(`there is no completion for this shell${named(shell)}`, `those for ${SHELLS.join(", ")} are`);
}

/** As cac prints what `--help` shows. Gives the exit code. */
function print(text: string): number {
  console.info(text);
  return 0;
}
