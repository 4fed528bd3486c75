/** The command `check`: connects to everything, prints the plan, and changes nothing. */
import type { CAC } from "cac";
import { flagsOf, notYet, type Options, withConfiguration } from "./options.ts";

/** Adds it to the command line. */
export function addCheck(cli: CAC): void {
  withConfiguration(cli.command("check", "Connects to everything, prints the plan, and changes nothing"))
    .option("--profile <N|P%>", "Reads so many items of each table, and tells what is in them")
    .option("--json", "Gives the plan as JSON on standard output")
    .action((options: Options) => {
      flagsOf(options);
      throw notYet("check");
    });
}
