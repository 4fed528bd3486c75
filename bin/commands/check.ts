/** The command `check`: connects to everything, prints the plan, and changes nothing. */
import { withStrings } from "../../core/config/redact.ts";
import type { CAC } from "cac";
import { runCheck } from "../../core/check/check.ts";
import { exitOf } from "../../core/check/plan.ts";
import { problemOf } from "../../core/check/problems.ts";
import type { Sample } from "../../core/verify/sample.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { planText } from "../display/plan.ts";
import { besideLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { findPidFile } from "../pid-file.ts";
import { type Flags, setUp, type Setup } from "../setup.ts";
import { stopSignal } from "../stop-signal.ts";
import { flagsOf, once, type Options, withConfiguration } from "./options.ts";
import { parseSample } from "./sample.ts";

/** Adds it to the command line. */
export function addCheck(cli: CAC): void {
  withConfiguration(
    cli.command(
      "check",
      "Connects to everything, prints the plan, and changes nothing; exit code 2: a start would be refused",
    ),
  )
    .option("--profile <N|P%>", "Reads so many items of each table, and tells what is in them")
    .option("--json", "Gives the plan as JSON on standard output")
    .example("nimo-shake check -c nimo-shake.conf")
    .example("nimo-shake check -c nimo-shake.conf --profile 1000")
    .action((options: Options) => {
      const profile = once("profile", options.profile);
      const sample = profile === undefined ? undefined : parseSample("profile", profile);
      return check(flagsOf(options), sample, options.json === true);
    });
}

/**
 * Makes the plan and prints it.
 *
 * @param profile how much of each table is looked into; undefined: nothing
 * @returns the exit code, see {@link exitOf}
 * @throws MigrationError when the configuration can't be used
 */
export async function check(flags: Flags, profile: Sample | undefined, json: boolean): Promise<number> {
  const setup = await setUp(flags);
  // What is warned of is in the plan.
  const level = setup.config["log.level"] === "debug" ? "debug" : "none";
  return besideLog(setup, { level }, (output) => shown(setup, profile, json || output.isJson, output));
}

async function shown(
  { config, warnings, redact, migration }: Setup,
  profile: Sample | undefined,
  json: boolean,
  { log, isJson, say }: Log,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  if (process.stderr.isTTY && !isJson) process.stderr.write("asking source, target and checkpoint\n");
  const { fresh: _, again: __, ...options } = migration;
  const { refusal, ...found } = findPidFile(config.id) ?? {};
  const stop = stopSignal(cleanup, log);
  try {
    const plan = await runCheck({
      ...options,
      builtins: builtinPlugin,
      config,
      log,
      profile,
      warnings,
      signal: stop.signal,
      process: { found: "file" in found ? found : null, problem: refusal && problemOf(refusal) },
    });
    // String by string: what looks like an address may end in another one.
    const shown = withStrings(plan, redact);
    const { columns: width, isTTY } = process.stdout;
    process.stdout.write(`${json ? JSON.stringify(shown) : planText(shown, { width, isTTY })}\n`);
    return exitOf(plan);
  } catch (error) {
    const { stopped } = stop;
    if (stopped === undefined || error !== stop.signal.reason) throw error;
    say({ text: `stopped by ${stopped.name}; nothing was changed` });
    return stopped.exit;
  }
}
