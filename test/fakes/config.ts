/** Configurations, good and bad, as a test gives them. */
import { type ConfigOptions, loadConfig, type LoadedConfig } from "../../core/config/load.ts";
import { MigrationError } from "../../core/errors.ts";

/** An address for those who need one. */
export const ADDRESS = "mongodb://127.0.0.1:27017";

/** Loads settings as --set would give them, with an address if there is none. */
export function load(set: Record<string, string>, options: ConfigOptions = {}): LoadedConfig {
  return loadConfig({ set: { "target.address": ADDRESS, ...set }, ...options });
}

/** What something is refused with. */
export function failure(run: () => unknown): MigrationError {
  try {
    run();
  } catch (error) {
    if (error instanceof MigrationError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** What is said of settings that are refused. */
export const problems = (set: Record<string, string>): string => failure(() => load(set)).message;
