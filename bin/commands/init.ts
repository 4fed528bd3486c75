/** The command `init`: questions and answers become a commented configuration. */
import type { CAC } from "cac";
import { notYet } from "./options.ts";

/** Adds it to the command line. */
export function addInit(cli: CAC): void {
  cli
    .command("init [file]", "Writes a commented nimo-shake.conf")
    .option("--set <key=value>", "Answers a question beforehand; may be given again and again")
    .option("--iam", "Prints the rights that a configuration needs, at the source and at the target")
    .option("--yes", "Asks nothing: what isn't given by --set and the environment has its default")
    .action(() => {
      throw notYet("init");
    });
}
