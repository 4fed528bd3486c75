/** The command `run`: a configuration in, a migration shown, an exit code out. */
import type { CAC, Command } from "cac";
import { describeConfig } from "../../core/config/redact.ts";
import { createProgress, type Progress } from "../../core/progress/progress.ts";
import { reachedEnd } from "../../core/report/outcome.ts";
import { runIdentity } from "../../core/run/identity.ts";
import { runMigration } from "../../core/run/run.ts";
import { createRunControl } from "../../core/run/steering.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { openControlSocket } from "../control/server.ts";
import { runDisplay } from "../display/run-display.ts";
import { configLine, startLine } from "../display/start-line.ts";
import { openPorts } from "../http/ports.ts";
import { createRunView } from "../http/run-view.ts";
import { inLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { largeRun, watchMemory } from "../memory.ts";
import { acquirePidFile } from "../pid-file.ts";
import { createReporter, failure } from "../report.ts";
import { type Flags, setUp, type Setup } from "../setup.ts";
import { stopSignal } from "../stop-signal.ts";
import { flagsOf, named, notYet, type Options, usage, withConfiguration } from "./options.ts";

/** Commands of the contract whose feature comes later. */
const LATER: readonly string[] = ["worker"];

/** Adds it to the command line, where it needs no name. */
export function addRun(cli: CAC): void {
  withRun(cli.command("run", "Runs the migration; a stopped one goes on where it was")).action(
    (options: Options) => run(flagsOf(options)),
  );
  withRun(cli.command("[command]", "The same")).action((command: string | undefined, options: Options) => {
    if (command !== undefined && LATER.includes(command)) throw notYet(command);
    if (command !== undefined) throw usage(`there is no such command${named(command)}`);
    return run(flagsOf(options));
  });
}

function withRun(command: Command): Command {
  return withConfiguration(command)
    .option("--fresh", "Starts over, whatever an unfinished run has left")
    .option("--again", "Follows the source again though the migration was switched over")
    .example("nimo-shake run -c nimo-shake.conf")
    .example("nimo-shake run -c nimo-shake.conf --set full.read.concurrency=4");
}

/**
 * Runs a migration to its end, and prints what ended it.
 *
 * @returns the exit code
 * @throws MigrationError when the configuration can't be used
 */
export async function run(flags: Flags): Promise<number> {
  const setup = await setUp(flags);
  const progress = createProgress();
  return inLog(setup, { tables: progress.tables }, (output) => shown(setup, progress, output));
}

/** The migration with all that looks at it from outside. Gives the exit code. */
async function shown(
  { config, warnings, redact, migration }: Setup,
  progress: Progress,
  output: Log,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const { log, recent } = output;
  // Before the first word and the pid file: a signal from now on leaves nothing behind.
  const stop = stopSignal(cleanup, log);
  const identity = runIdentity(config);
  log.info(startLine(identity));
  for (const warning of warnings) log.warn(warning);
  log.debug({ message: configLine(config), configuration: describeConfig(config) });
  cleanup.defer(acquirePidFile(config.id, { log }));
  cleanup.defer(watchMemory(() => largeRun(config)));

  const control = createRunControl();
  const view = createRunView({ config, identity, progress, warnings: recent, redact });
  const ports = await openPorts({ view, given: migration.given, redact, log });
  cleanup.defer(ports.close);
  const socket = cleanup.use(await openControlSocket({ config, control, status: view.status, redact, log }));
  const reporter = createReporter({ config, identity, progress, log, recent, redact });
  const display = runDisplay(output, identity, progress);
  cleanup.defer(display.stop);
  let isNews = true;
  try {
    await runMigration({
      builtins: builtinPlugin,
      config,
      log,
      progress,
      control,
      signal: stop.signal,
      ...migration,
      onRoles: ports.onRoles,
      onFullDone(isDoneNews) {
        isNews = isDoneNews;
        reporter.fullDone();
        if (config.sync_mode === "all" && isNews) display.fullDone();
      },
      onVerified(verdict) {
        reporter.verified(verdict);
        display.verified(verdict);
      },
    });
    // It came at the very end.
    if (stop.failure !== undefined) throw stop.failure;
  } catch (error) {
    const { stopped } = stop;
    if (stopped === undefined || error !== stop.signal.reason) {
      await reporter.finish(failure(error));
      throw error;
    }
    const at = new Date(stopped.at).toISOString();
    display.stopped(await reporter.finish({ kind: "stopped", signal: stopped.name, at }), stopped);
    return stopped.exit;
  }
  display.ended(await reporter.finish(reachedEnd(progress)), isNews);
  await socket.ended();
  return 0;
}
