/** The library: a migration as a function, with what the command line does around it left to the caller. */
import type { ConsolaInstance } from "consola";
import { loadConfig } from "./config/load.ts";
import type { Config, SettingKey } from "./config/config.ts";
import { MigrationError } from "./errors.ts";
import type { HookName, Hooks } from "./plugin/hooks.ts";
import { runMigration } from "./run/run.ts";
import type { AnyPlugin, Plugin } from "./plugin/plugin.ts";
import { loadPlugins } from "./plugin/load.ts";
import { createProgress, type Progress, type TableProgress } from "./progress/progress.ts";
import type { AttributeValue } from "./types.ts";
import { builtinPlugin, hookPlugin } from "../plugins/index.ts";

/** The keys of `nimo-shake.conf`, each as its text there or as its value; what is left out has its default. */
export type ConfigInput = {
  readonly [Key in SettingKey]?: Config[Key] | string | number | boolean | undefined;
} & { readonly [option: `plugin.${string}.${string}`]: string };

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
  /** The signal ended it, in the incremental phase: without, that has no end. */
  stopped: boolean;
}

/**
 * Runs a migration to its end; with `sync_mode = all` or `incr` until the signal ends it.
 *
 * @throws MigrationError what it failed with; INTERRUPTED when the signal ended it before the full phase was done
 *
 * @example
 * const stop = new AbortController();
 * const { written } = await migrate({
 *   config: { id: "shop", sync_mode: "full", "source.region": "us-east-2", "target.address": "mongodb://127.0.0.1" },
 *   hooks: { "fetch:after": (e) => e.keep((item) => item["status"]?.S === "paid") },
 *   signal: stop.signal,
 * });
 */
export async function migrate(options: LibraryOptions): Promise<MigrationResult> {
  const { progress = createProgress(), log, fresh = false } = options;
  const { config, warnings, given, pluginOptions } = loadConfig({ set: texts(options.config) });
  for (const warning of warnings) log?.warn(warning);
  const stopping = interruption(options.signal);
  let following = config.sync_mode === "incr";
  try {
    await runMigration({
      builtins: builtinPlugin,
      config,
      progress,
      given,
      fresh,
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
    if (following && stopping.signal.aborted && error === stopping.signal.reason)
      return result(progress, true);
    throw error;
  } finally {
    stopping.forget();
  }
}

/** A signal whose reason is an error of ours. */
function interruption(outer: AbortSignal | undefined): { signal: AbortSignal; forget: () => void } {
  const stop = new AbortController();
  const abort = (): void =>
    stop.abort(
      new MigrationError("INTERRUPTED", "the caller's signal stopped the run", {
        cause: outer?.reason,
        hint: "run it again in the same way: it goes on where it stopped",
      }),
    );
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort, { once: true });
  return { signal: stop.signal, forget: () => outer?.removeEventListener("abort", abort) };
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

/** Values as they would stand in the file. */
function texts(input: ConfigInput): Record<string, string> {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, text(value)]));
}

function text(value: string | number | boolean | readonly string[] | Record<string, AttributeValue>): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.join(";");
  const entries = Object.entries(value as Record<string, AttributeValue>);
  return entries.map(([name, typed]) => [name, ...Object.entries(typed)[0]!].join("```")).join("~~~");
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
