/** The library: a migration as a function, with what the command line does around it left to the caller. */
import type { ConsolaInstance } from "consola";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import type { Config } from "./config/config.ts";
import { type ConfigInput, textsOf } from "./config/input.ts";
import type { HookName, Hooks } from "./plugin/hooks.ts";
import type { SwitchoverOptions, SwitchoverResult } from "./run/control.ts";
import { runIdentity } from "./run/identity.ts";
import { interruption } from "./run/interruption.ts";
import { runMigration } from "./run/run.ts";
import { createRunControl, type OwnedRunControl } from "./run/steering.ts";
import type { AnyPlugin, Plugin } from "./plugin/plugin.ts";
import { loadPlugins } from "./plugin/load.ts";
import { createProgress, type Progress, type TableProgress } from "./progress/progress.ts";
import { describeRun, type RunStatus } from "./progress/run-status.ts";
import { builtinPlugin, hookPlugin } from "../plugins/index.ts";

/** What {@link migrate} takes. */
export interface LibraryOptions {
  config: ConfigInput;
  /** Plugins, or their names as in the key `plugins`; paths are relative to the working folder. */
  plugins?: readonly (AnyPlugin | string)[];
  /** Options by plugin name, beside those given as `plugin.<name>.<key>`. */
  pluginOptions?: Readonly<Record<string, unknown>>;
  /** Hooks as a plugin's, called after those of the plugins. */
  hooks?: Partial<Hooks>;
  /** Ends the run: what is being written is finished, and the next run goes on there. */
  signal?: AbortSignal;
  /** Kept up to date while the run goes on; read it when you like. */
  progress?: Progress;
  /** Default: none. */
  log?: ConsolaInstance;
  /** Forgets what an unfinished run has left, and starts over. */
  fresh?: boolean;
  /** Follows the source again after a switch-over. */
  again?: boolean;
  /** Told when the full phase of all tables is done; what follows is the incremental one. */
  onFullDone?: () => void;
}

/** A table's counts; those of the incremental phase are in `stream`. */
export type TableResult = Readonly<TableProgress>;

/** What a migration has done. */
export interface MigrationResult {
  /** In the order in which they were taken up. */
  tables: TableResult[];
  /** Items read in the full phase, what an earlier run had read included. */
  read: number;
  /** Of them, those that hooks dropped. */
  filtered: number;
  /** Documents written and acknowledged in the full phase. */
  written: number;
  /** Changes read from the streams, and applied. */
  changes: { read: number; written: number };
  /** From the start to the end, in milliseconds. */
  ms: number;
  /** The signal, or `stop`, ended it in the incremental phase. */
  stopped: boolean;
}

/** A migration on its way: the promise of what it has done, with what can be done meanwhile. */
export interface Migration extends Promise<MigrationResult> {
  /**
   * Nothing more is read until `resume`; resolves when what was read is written and saved.
   *
   * @throws MigrationError what the migration failed with meanwhile; NOT_RUNNING when it is over
   */
  pause(): Promise<void>;
  resume(): void;
  /**
   * Changes settings of this run, all of them or none: those of {@link CHANGEABLE}.
   *
   * @throws MigrationError CONFIG_INVALID; NOT_RUNNING when it is over
   */
  set(settings: ConfigInput): Promise<void>;
  /**
   * Waits until all that was written at the source until now is applied and saved, and ends the run, whose promise
   * resolves before. One at a time.
   *
   * @throws MigrationError what the migration failed with meanwhile; NOT_SWITCHED while it is paused or another one waits;
   * CONFIG_INVALID with `sync_mode = full`; NOT_RUNNING when it is over
   */
  switchover(options?: Partial<SwitchoverOptions>): Promise<SwitchoverResult>;
  /** @throws MigrationError CONFIG_INVALID when there is no run for that reason */
  status(): RunStatus;
  /** Ends it as the signal does. */
  stop(): void;
}

/** A switch-over that isn't limited is given up after so long, in ms. */
const SWITCHOVER_TIMEOUT = 600_000;

/**
 * Runs a migration to its end; with `sync_mode = all` or `incr` until the signal ends it, or a switch-over.
 *
 * @throws MigrationError what it failed with; INTERRUPTED when the signal ended it before the full phase was done
 *
 * @example
 * ```ts
 * import { migrate } from "nimo-shake";
 *
 * const stop = new AbortController();
 * const { read, filtered, written } = await migrate({
 *   config: { id: "shop", sync_mode: "full", "source.region": "us-east-2", "target.address": "mongodb://127.0.0.1" },
 *   hooks: { "fetch:after": (e) => e.keep((item) => item["status"]?.S === "paid") },
 *   signal: stop.signal,
 * });
 * console.log(read - filtered === written); // true
 * ```
 *
 * @example
 * ```ts
 * import { migrate } from "nimo-shake";
 *
 * const run = migrate({ config: { id: "shop", "source.region": "us-east-2", "target.address": "mongodb://127.0.0.1" } });
 * await run.set({ "qps.full": 100 });
 * const { outcome } = await run.switchover({ timeout: 60_000, verify: "all" });
 * const { stopped } = await run;
 * console.log(outcome, stopped); // done false
 * ```
 */
export function migrate(options: LibraryOptions): Migration {
  const { progress = createProgress() } = options;
  const control = createRunControl();
  const stopped = new AbortController();
  const { signal } = stopped;
  const outer = options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]);
  const loaded = attempt(() => loadConfig({ set: textsOf(options.config) }));
  const done = run({ ...options, signal: outer, progress }, loaded, control);

  /** What the run fails with is thrown by the verb, and whoever hears it there may await nothing more. */
  async function asked<T>(verb: () => T | Promise<T>): Promise<T> {
    done.catch(() => {});
    return verb();
  }

  return Object.assign(done, {
    pause: () => asked(control.pause),
    resume: control.resume,
    set: (settings: ConfigInput) =>
      asked(async () => {
        await control.begun();
        control.set(textsOf(settings));
      }),
    switchover: ({ timeout = SWITCHOVER_TIMEOUT, ...how }: Partial<SwitchoverOptions> = {}) =>
      asked(() => control.switchover({ timeout, ...how })),
    status: () => describeRun(runIdentity(loaded().config), progress, Date.now()),
    stop: () => stopped.abort(),
  });
}

/** Gives what comes of something, or throws what it has thrown, again and again. */
function attempt<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

async function run(
  options: LibraryOptions & { signal: AbortSignal; progress: Progress },
  loaded: () => LoadedConfig,
  control: OwnedRunControl,
): Promise<MigrationResult> {
  const { progress, log, fresh = false, again = false } = options;
  const stopping = interruption(options.signal);
  let following = false;
  try {
    const { config, warnings, given, pluginOptions } = loaded();
    for (const warning of warnings) log?.warn(warning);
    following = config.sync_mode === "incr";
    await runMigration({
      builtins: builtinPlugin,
      config,
      progress,
      given,
      fresh,
      again,
      control,
      plugins: await plugins(options, config),
      pluginOptions: { ...pluginOptions, ...options.pluginOptions },
      signal: stopping.signal,
      ...(log && { log }),
      onFullDone() {
        following = config.sync_mode !== "full";
        options.onFullDone?.();
      },
    });
    return result(progress, false);
  } catch (error) {
    control.end(error);
    if (following && stopping.signal.aborted && error === stopping.signal.reason)
      return result(progress, true);
    throw error;
  } finally {
    stopping.forget();
  }
}

async function plugins(options: LibraryOptions, config: Config): Promise<AnyPlugin[]> {
  const found: AnyPlugin[] = [];
  for (const each of [...config.plugins, ...(options.plugins ?? [])]) {
    if (typeof each === "string") found.push(...(await loadPlugins([each], process.cwd(), hookPlugin)));
    else found.push(each);
  }
  return options.hooks === undefined ? found : [...found, hooksAsPlugin(options.hooks)];
}

function hooksAsPlugin(hooks: Partial<Hooks>): Plugin {
  return {
    name: "hooks",
    setup(ctx) {
      for (const name of Object.keys(hooks) as HookName[]) ctx.hook(name, hooks[name]!);
    },
  };
}

function result(progress: Progress, stopped: boolean): MigrationResult {
  const tables = [...progress.tables.values()];
  const sum = (count: (table: TableProgress) => number | undefined): number =>
    tables.reduce((total, table) => total + (count(table) ?? 0), 0);
  return {
    tables,
    read: sum(({ read }) => read),
    filtered: sum(({ filtered }) => filtered),
    written: sum(({ written }) => written),
    changes: { read: sum(({ stream }) => stream?.read), written: sum(({ stream }) => stream?.written) },
    ms: Date.now() - progress.startedAt,
    stopped,
  };
}
