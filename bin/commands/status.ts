/** The command `status`: what the checkpoints and the running process say. */
import type { CAC } from "cac";
import { flagsOf, notYet, type Options, withConfiguration } from "./options.ts";

/** Adds it to the command line. */
export function addStatus(cli: CAC): void {
  withConfiguration(cli.command("status", "Tells where the migration stands, whether it runs or not"))
    .option("--watch", "Goes on telling, until it is stopped")
    .option("--json", "Gives it as JSON on standard output, with --watch an object a line")
    .action((options: Options) => {
      flagsOf(options);
      throw notYet("status");
    });
}
