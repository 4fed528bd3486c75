/** What every command begins with: the configuration, the plugins, and what hides secrets. */
import { dirname } from "node:path";
import type { Config } from "../core/config/config.ts";
import { loadConfig, type LoadedConfig } from "../core/config/load.ts";
import { allSettings, createRedactor } from "../core/config/redact.ts";
import { loadPlugins } from "../core/plugin/load.ts";
import type { MigrateOptions } from "../core/run/run.ts";
import { hookPlugin } from "../plugins/index.ts";

/** What the command line gives to every command. */
export interface Flags {
  /** Undefined: all is given by --set and the environment; paths are from the working folder then. */
  file: string | undefined;
  /** `key=value`, stronger than the file. */
  set: string[];
  /** Forgets what an unfinished run has left. */
  fresh: boolean;
  /** Follows the source again though the migration was switched over. */
  again: boolean;
  /** Further plugins' files. */
  plugins: string[];
}

/** See the top of the file. */
export interface Setup {
  config: Config;
  warnings: string[];
  redact: (text: string) => string;
  migration: Pick<MigrateOptions, "given" | "fresh" | "again" | "plugins" | "pluginOptions">;
}

/** What is known before plugins are loaded. */
export interface Settings extends LoadedConfig {
  redact: (text: string) => string;
}

/** @throws MigrationError when the configuration can't be used */
export function loadSettings({ file, set }: Pick<Flags, "file" | "set">): Settings {
  const loaded = loadConfig({ file, set, env: process.env });
  return { ...loaded, redact: createRedactor(allSettings(loaded.config, loaded.pluginOptions)) };
}

/** @throws MigrationError when the configuration can't be used, or a plugin doesn't load */
export async function setUp({ file, set, fresh, again, plugins: files }: Flags): Promise<Setup> {
  const { config, warnings, given, pluginOptions, redact } = loadSettings({ file, set });
  const plugins = [
    ...(await loadPlugins(config.plugins, file === undefined ? process.cwd() : dirname(file), hookPlugin)),
    ...(await loadPlugins(files, process.cwd(), hookPlugin)),
  ];
  return { config, warnings, redact, migration: { given, fresh, again, plugins, pluginOptions } };
}
