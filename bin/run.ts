/** The command `run`: a configuration in, a migration shown, an exit code out. */
import { constants } from "node:os";
import { dirname } from "node:path";
import type { ConsolaInstance } from "consola";
import { loadConfig } from "../core/config/load.ts";
import { describeConfig } from "../core/config/redact.ts";
import type { Config } from "../core/config/config.ts";
import { MigrationError } from "../core/errors.ts";
import { createRedactor } from "../core/config/redact.ts";
import { serveMetric } from "./http/metric.ts";
import { type MigrateOptions, runMigration } from "../core/run/run.ts";
import { loadPlugins } from "../core/plugin/load.ts";
import { createProgress } from "../core/progress/progress.ts";
import { serveProgress } from "./http/progress.ts";
import { builtinPlugin, hookPlugin } from "../plugins/index.ts";
import { printError } from "./errors.ts";
import { createLog } from "./log/log.ts";
import { watchMemory } from "./memory.ts";
import { acquirePidFile } from "./pid-file.ts";
import { serveProfile } from "./http/profile.ts";
import { stoppedText } from "./display/stopped.ts";
import { summaryTable } from "./display/summary.ts";
import { streamView } from "./display/stream-view.ts";
import { fullView, showProgress } from "./display/terminal.ts";

/** What the command line gives. */
export interface RunFlags {
  file: string;
  /** `key=value`, stronger than the file. */
  set: string[];
  /** Forgets what an unfinished run has left. */
  fresh: boolean;
  /** Further plugins' files. */
  plugins: string[];
}

/**
 * Runs a migration to its end, and prints what ended it.
 *
 * @returns the exit code
 * @throws MigrationError when the configuration can't be used
 */
export async function run({ file, set, fresh, plugins: files }: RunFlags): Promise<number> {
  const { config, warnings, given, pluginOptions } = loadConfig({ file, set, env: process.env });
  const plugins = [
    ...(await loadPlugins(config.plugins, dirname(file), hookPlugin)),
    ...(await loadPlugins(files, process.cwd(), hookPlugin)),
  ];
  const options = Object.entries(pluginOptions).flatMap(([name, each]) =>
    Object.entries(each).map(([key, value]) => [`plugin.${name}.${key}`, value] as const),
  );
  const redact = createRedactor({ ...config, ...Object.fromEntries(options) });
  try {
    return await shown(config, { warnings, redact, migration: { given, fresh, plugins, pluginOptions } });
  } catch (error) {
    return printError(error, { debug: config["log.level"] === "debug", redact });
  }
}

interface ShownOptions {
  warnings: string[];
  redact: (text: string) => string;
  migration: Pick<MigrateOptions, "given" | "fresh" | "plugins" | "pluginOptions">;
}

/** The migration with its log, its display and its last words. Gives the exit code. */
async function shown(config: Config, { warnings, redact, migration }: ShownOptions): Promise<number> {
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

/** What asks a run to stop. */
interface Stop {
  signal: AbortSignal;
  /** The signal that came, when in ms since 1970, and the exit code that a shell expects then. */
  readonly stopped: { name: string; at: number; exit: number } | undefined;
}

/** Aborts on the first SIGINT or SIGTERM; the second ends the process. */
function stopSignal(cleanup: AsyncDisposableStack, log: ConsolaInstance): Stop {
  const stop = new AbortController();
  let stopped: Stop["stopped"];
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const exit = 128 + constants.signals[name];
    const listener = (): void => {
      if (stopped !== undefined) process.exit(exit);
      stopped = { name, at: Date.now(), exit };
      log.info(`${name}: finishing what is being written; a second one ends it at once`);
      stop.abort(new MigrationError("INTERRUPTED", `${name} stopped the run`, { exit }));
    };
    process.on(name, listener);
    cleanup.defer(() => void process.off(name, listener));
  }
  return {
    signal: stop.signal,
    get stopped() {
      return stopped;
    },
  };
}
