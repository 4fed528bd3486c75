/** The command `clean`: lists what the migration has left at both sides, and removes it. */
import type { CAC } from "cac";
import { flagsOf, notYet, type Options, withConfiguration } from "./options.ts";

/** Adds it to the command line. */
export function addClean(cli: CAC): void {
  withConfiguration(
    cli.command("clean", "Lists what the migration has left beside the copy, and removes it after a yes"),
  )
    .option("--yes", "Removes it without asking")
    .action((options: Options) => {
      flagsOf(options);
      throw notYet("clean");
    });
}
