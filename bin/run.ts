/** The command `run`: a configuration in, a migration shown, an exit code out. */
import { constants } from "node:os";
import { dirname } from "node:path";
import type { ConsolaInstance } from "consola";
import { type Config, describeConfig, loadConfig } from "../core/config.ts";
import { MigrationError } from "../core/errors.ts";
import { createRedactor } from "../core/mask.ts";
import { serveMetric } from "../core/metric.ts";
import { type MigrateOptions, runMigration } from "../core/migrate.ts";
import { loadPlugins } from "../core/plugin-files.ts";
import { createProgress } from "../core/progress.ts";
import { serveProgress } from "../core/status.ts";
import { hookPlugin } from "../plugins/index.ts";
import { printError } from "./errors.ts";
import { createLog } from "./log.ts";
import { acquirePidFile } from "./pid-file.ts";
import { serveProfile } from "./profile.ts";
import { summaryTable } from "./summary.ts";
import { streamView } from "./stream-view.ts";
import { fullView, showProgress } from "./terminal.ts";

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
    await shown(config, { warnings, redact, migration: { given, fresh, plugins, pluginOptions } });
    return 0;
  } catch (error) {
    return printError(error, { debug: config["log.level"] === "debug", redact });
  }
}

interface ShownOptions {
  warnings: string[];
  redact: (text: string) => string;
  migration: Pick<MigrateOptions, "given" | "fresh" | "plugins" | "pluginOptions">;
}

/** The migration with its log, its display and its summary. */
async function shown(config: Config, { warnings, redact, migration }: ShownOptions): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const { log, close } = createLog({
    level: config["log.level"],
    file: config["log.file"],
    buffer: config["log.buffer"],
    redact,
  });
  cleanup.defer(close);
  cleanup.defer(acquirePidFile(config.id, { log }));
  for (const warning of warnings) log.warn(warning);
  log.debug("configuration", JSON.stringify(describeConfig(config)));

  const progress = createProgress();
  const signal = stopSignal(cleanup, log);
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
  await runMigration({
    config,
    log,
    progress,
    signal,
    ...migration,
    onFullDone() {
      if (!endless) return;
      if (config.sync_mode === "all") tellFullDone();
      display.stop();
      display = showProgress(streamView(progress), { log });
    },
  });
  display.stop();
  await close();
  tellFullDone();
}

/** Aborts on the first SIGINT or SIGTERM, with the exit code a shell expects; the second ends the process. */
function stopSignal(cleanup: AsyncDisposableStack, log: ConsolaInstance): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const exit = 128 + constants.signals[name];
    const listener = (): void => {
      if (stop.signal.aborted) process.exit(exit);
      const hint = "start it again in the same way: it goes on where it stopped";
      log.info(`${name}: finishing what is being written; a second one ends it at once`);
      stop.abort(new MigrationError("INTERRUPTED", `${name} stopped the run`, { exit, hint }));
    };
    process.on(name, listener);
    cleanup.defer(() => void process.off(name, listener));
  }
  return stop.signal;
}
