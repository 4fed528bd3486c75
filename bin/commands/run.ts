/** The command `run`: a configuration in, a migration shown, an exit code out. */
import type { CAC } from "cac";
import { describeConfig } from "../../core/config/redact.ts";
import { serveMetric } from "../http/metric.ts";
import { runMigration } from "../../core/run/run.ts";
import { createProgress } from "../../core/progress/progress.ts";
import { serveProgress } from "../http/progress.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { printError } from "../errors.ts";
import { createLog } from "../log/log.ts";
import { watchMemory } from "../memory.ts";
import { acquirePidFile } from "../pid-file.ts";
import { type Flags, setUp, type Setup } from "../setup.ts";
import { flagsOf, named, notYet, type Options, usage, withConfiguration } from "./options.ts";
import { stopSignal } from "../stop-signal.ts";
import { serveProfile } from "../http/profile.ts";
import { stoppedText } from "../display/stopped.ts";
import { verdictText } from "../display/verdict.ts";
import { summaryTable } from "../display/summary.ts";
import { streamView } from "../display/stream-view.ts";
import { fullView, showProgress } from "../display/terminal.ts";

/** Commands of the contract whose feature comes later. */
const LATER: readonly string[] = ["worker"];

/** Adds it to the command line, where it needs no name. */
export function addRun(cli: CAC): void {
  withConfiguration(cli.command("[command]", "Runs the migration (the command run is the default)"))
    .option("--fresh", "Starts over, whatever an unfinished run has left")
    .example("  nimo-shake -conf=nimo-shake.conf")
    .example("  nimo-shake run -c nimo-shake.conf --set full.read.concurrency=4")
    .action((command: string | undefined, options: Options) => {
      if (command !== undefined && LATER.includes(command)) throw notYet(command);
      if (command !== undefined && command !== "run")
        throw usage(`there is no such command${named(command)}`);
      return run(flagsOf(options));
    });
}

/**
 * Runs a migration to its end, and prints what ended it.
 *
 * @returns the exit code
 * @throws MigrationError when the configuration can't be used
 */
export async function run(flags: Flags): Promise<number> {
  const setup = await setUp(flags);
  const { config, redact } = setup;
  try {
    return await shown(setup);
  } catch (error) {
    return printError(error, { debug: config["log.level"] === "debug", redact });
  }
}

/** The migration with its log, its display and its last words. Gives the exit code. */
async function shown({ config, warnings, redact, migration }: Setup): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const { log, close } = createLog({
    level: config["log.level"],
    file: config["log.file"],
    buffer: config["log.buffer"],
    redact,
  });
  cleanup.defer(close);
  cleanup.defer(acquirePidFile(config.id, { log }));
  cleanup.defer(watchMemory());
  for (const warning of warnings) log.warn(warning);
  log.debug("configuration", JSON.stringify(describeConfig(config)));

  const progress = createProgress();
  const stop = stopSignal(cleanup, log);
  const host = config["http.host"];
  const status = await serveProgress(progress, { host, port: config["full_sync.http_port"], log });
  cleanup.defer(() => status?.close());
  if (config.sync_mode !== "full") {
    const metric = await serveMetric(progress, { host, port: config["incr_sync.http_port"], log });
    cleanup.defer(() => metric?.close());
  }
  const profile = await serveProfile({ host, port: config.system_profile, log });
  cleanup.defer(() => profile?.close());
  const endless = config.sync_mode !== "full";
  let display = showProgress(fullView(progress), { log });
  cleanup.defer(() => display.stop());
  const tellFullDone = (): void => {
    display.stop();
    process.stdout.write(`${summaryTable(progress)}\nfull sync done!\n`);
  };
  let isDoneNews = true;
  try {
    await runMigration({
      builtins: builtinPlugin,
      config,
      log,
      progress,
      signal: stop.signal,
      ...migration,
      onVerified(verdict) {
        display.stop();
        process.stdout.write(`${redact(verdictText(verdict))}\n`);
        if (endless) display = showProgress(streamView(progress), { log });
      },
      onFullDone(isNews) {
        isDoneNews = isNews;
        if (!endless) return;
        if (config.sync_mode === "all" && isNews) tellFullDone();
        display.stop();
        display = showProgress(streamView(progress), { log });
      },
    });
  } catch (error) {
    const { stopped } = stop;
    if (stopped === undefined || error !== stop.signal.reason) throw error;
    display.stop();
    await close();
    process.stdout.write(`${stoppedText(progress, stopped.name, stopped.at)}\n`);
    return stopped.exit;
  }
  display.stop();
  await close();
  if (isDoneNews) tellFullDone();
  return 0;
}
