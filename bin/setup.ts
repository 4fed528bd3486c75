/** What every command begins with: the configuration, the plugins, and what hides secrets. */
import { dirname } from "node:path";
import type { Config } from "../core/config/config.ts";
import { loadConfig } from "../core/config/load.ts";
import { createRedactor } from "../core/config/redact.ts";
import { loadPlugins } from "../core/plugin/load.ts";
import type { MigrateOptions } from "../core/run/run.ts";
import { hookPlugin } from "../plugins/index.ts";

/** What the command line gives to every command. */
export interface Flags {
  file: string;
  /** `key=value`, stronger than the file. */
  set: string[];
  /** Forgets what an unfinished run has left. */
  fresh: boolean;
  /** Further plugins' files. */
  plugins: string[];
}

/** See the top of the file. */
export interface Setup {
  config: Config;
  warnings: string[];
  redact: (text: string) => string;
  migration: Pick<MigrateOptions, "given" | "fresh" | "plugins" | "pluginOptions">;
}

/** @throws MigrationError when the configuration can't be used */
export async function setUp({ file, set, fresh, plugins: files }: Flags): Promise<Setup> {
  const { config, warnings, given, pluginOptions } = loadConfig({ file, set, env: process.env });
  const plugins = [
    ...(await loadPlugins(config.plugins, dirname(file), hookPlugin)),
    ...(await loadPlugins(files, process.cwd(), hookPlugin)),
  ];
  const options = Object.entries(pluginOptions).flatMap(([name, each]) =>
    Object.entries(each).map(([key, value]) => [`plugin.${name}.${key}`, value] as const),
  );
  const redact = createRedactor({ ...config, ...Object.fromEntries(options) });
  return { config, warnings, redact, migration: { given, fresh, plugins, pluginOptions } };
}
