/** The commands `switchover`, `pause`, `resume` and `set`: they speak to the running process. */
import type { CAC } from "cac";
import { flagsOf, notYet, type Options, withConfiguration } from "./options.ts";

/** Adds them to the command line. */
export function addSteering(cli: CAC): void {
  withConfiguration(cli.command("switchover", "Applies all that was written until now, and ends the run"))
    .option("--timeout <time>", "Gives it up after so long, and the run goes on: 10m, 30s")
    .option("--verify [N|P%]", "Compares both sides before the end, or a sample of them")
    .action((options: Options) => {
      flagsOf(options);
      throw notYet("switchover");
    });
  for (const [name, what] of [
    ["pause", "Stops reading and writing until resume; the process stays"],
    ["resume", "Goes on after pause"],
  ] as const) {
    withConfiguration(cli.command(name, what)).action((options: Options) => {
      flagsOf(options);
      throw notYet(name);
    });
  }
  withConfiguration(
    cli.command("set <...key=value>", "Changes speeds, concurrency or the log level of the running process"),
  ).action((_: string[], options: Options) => {
    flagsOf(options);
    throw notYet("set");
  });
}
