/** The command `verify`: a comparison shown, its differences in a file, an exit code out. */
import type { CAC } from "cac";
import {
  parseExtent,
  parsePart,
  parseRepair,
  parseSettle,
  parseTables,
  type VerifyFlags,
} from "./verify-flags.ts";
import { createProgress, type Progress } from "../../core/progress/progress.ts";
import { nameOf, runVerify } from "../../core/run/verify.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { verdictJson, verdictText } from "../display/verdict.ts";
import { fullView, showProgress } from "../display/terminal.ts";
import { displayOptions, programView, verdictObjects } from "../display/objects.ts";
import { runIdentity } from "../../core/run/identity.ts";
import { inLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { createNoteAsker } from "../control/ask-to-note.ts";
import { largeVerify, watchMemory } from "../memory.ts";
import { acquirePidFile } from "../pid-file.ts";
import { type Setup, setUp } from "../setup.ts";
import { stopSignal } from "../stop-signal.ts";
import { isEqual } from "../../core/verify/report.ts";
import { flagsOf, once, type Options, withConfiguration } from "./options.ts";

/** Adds it to the command line. */
export function addVerify(cli: CAC): void {
  withConfiguration(
    cli.command(
      "verify",
      "Compares the target with the source; exit code 3: they differ, or some keys aren't decided",
    ),
  )
    .option("--tables <a;b>", "Compares these tables only")
    .option("--sample <N|P%>", "Compares so many items of each table, or such a share of them")
    .option("--keys <file>", "Compares these keys only: a JSON object a line, as in <id>-diff.jsonl")
    .option("--count-only", "Counts both sides, and looks at no document")
    .option("--settle <time>", "What isn't equal is looked at again after so long: 5s, 500ms, 1m")
    .option("--part <I/N>", "Takes the I-th of N parts of the tables, for several processes")
    .option(
      "--repair [no-delete]",
      "Writes what the source has over what differs, and removes what is extra; no-delete keeps it",
    )
    .option("--follow", "Goes on with what is changed at the source, until it is stopped")
    .option("--json", "Gives what came of it as JSON on standard output")
    .option("--fresh", "Begins anew, whatever an unfinished comparison has left")
    .example("nimo-shake verify -c nimo-shake.conf")
    .example("nimo-shake verify -c nimo-shake.conf --tables orders --sample 1%")
    .action((options: Options) =>
      verify({
        ...flagsOf(options),
        tables: once("tables", options.tables),
        sample: once("sample", options.sample),
        keys: once("keys", options.keys),
        countOnly: options.countOnly === true,
        settle: once("settle", options.settle),
        part: once("part", options.part),
        json: options.json === true,
        follow: options.follow === true,
        repair: options.repair,
      }),
    );
}

/** There are differences, or keys of which nobody knows. */
const DIFFERENT = 3;

/**
 * Compares a migration's source with its target, and prints what came of it.
 *
 * @returns the exit code
 * @throws MigrationError when the configuration or an option can't be used
 */
export async function verify(flags: VerifyFlags): Promise<number> {
  const options = {
    extent: parseExtent(flags),
    settle: parseSettle(flags.settle),
    only: parseTables(flags.tables),
    part: parsePart(flags.part),
    repair: parseRepair(flags.repair),
    goesOn: flags.follow,
  };
  const setup = await setUp(flags);
  const progress = createProgress();
  // With --json standard output is for what came of it alone.
  const where = { tables: progress.tables, ...(flags.json && { stream: process.stderr }) };
  return inLog(setup, where, (output) => shown(setup, { ...options, progress }, flags.json, output));
}

async function shown(
  { config, warnings, migration }: Setup,
  options: Omit<Parameters<typeof runVerify>[0], "config" | "builtins"> & { progress: Progress },
  json: boolean,
  output: Log,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const { log } = output;
  const { progress } = options;
  for (const warning of warnings) log.warn(warning);
  cleanup.defer(acquirePidFile(`${nameOf(config.id, options.part)}-verify`, { log }));
  cleanup.defer(watchMemory(() => largeVerify(config)));
  const stop = stopSignal(cleanup, log);
  const view = output.isJson ? programView(runIdentity(config), progress) : fullView(progress);
  const display = showProgress(view, displayOptions(output));
  cleanup.defer(() => display.stop());
  try {
    const verdict = await runVerify({
      ...migration,
      ...options,
      builtins: builtinPlugin,
      config,
      log,
      note: createNoteAsker(config, log),
      signal: stop.signal,
    });
    display.stop();
    output.say({
      text: verdictText(verdict),
      objects: verdictObjects(verdict),
      ...(json && { plain: JSON.stringify(verdictJson(verdict)) }),
    });
    if (verdict.isDifferent) return DIFFERENT;
    // What isn't decided must not pass for equal.
    return stop.stopped?.exit ?? (isEqual(verdict) ? 0 : DIFFERENT);
  } catch (error) {
    const { stopped } = stop;
    if (stopped === undefined || error !== stop.signal.reason) throw error;
    display.stop();
    output.say({
      text: `${stopped.name}: stopped; start verify in the same way, and it goes on where it was`,
    });
    return stopped.exit;
  }
}
