/** Plugins from files and packages: loaded, and refused with their place when they are none. */
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { resolveModuleURL } from "exsolve";
import { MigrationError, toMigrationError } from "../errors.ts";
import type { AnyPlugin } from "./plugin.ts";

/** The conditions under which a package may export other files, by runtime. */
const CONDITIONS = ["bun", "deno"].filter((runtime) => runtime in process.versions).concat("node", "import");

/** Of those that are built in, for who has misspelt one. */
const NAMES = "; a file's path begins with ./, and filter, rename, pick, exclude and mask are built in";

/** Gives the built-in plugin of a name. */
export type FindBuiltin = (name: string) => Promise<AnyPlugin | undefined>;

/**
 * Loads plugins in the order given.
 *
 * @param entries paths, `./a.ts`, names of built-in plugins, or names of packages
 * @param folder what paths are relative to, and where packages are looked for from
 * @throws MigrationError PLUGIN_INVALID naming the entry and the reason
 */
export async function loadPlugins(
  entries: readonly string[],
  folder: string,
  findBuiltin: FindBuiltin,
): Promise<AnyPlugin[]> {
  const plugins: AnyPlugin[] = [];
  for (const entry of entries) {
    plugins.push((await findBuiltin(entry)) ?? (await loadPlugin(entry, resolve(folder))));
  }
  return plugins;
}

async function loadPlugin(entry: string, folder: string): Promise<AnyPlugin> {
  let module: { default?: unknown };
  try {
    module = (await import(locate(entry, folder))) as typeof module;
  } catch (error) {
    throw invalid(entry, `can't be loaded, ${firstLine(error)}`, error, isPath(entry) ? "" : NAMES);
  }
  const plugin = module.default as Partial<AnyPlugin> | null | undefined;
  if (plugin === null || typeof plugin !== "object")
    throw invalid(entry, "has no plugin as its default export");
  const { name, setup } = plugin;
  if (typeof name !== "string" || !/^[\w@/-]+$/.test(name)) {
    throw invalid(entry, "has no name of letters, digits, _ and -");
  }
  if (typeof setup !== "function") throw invalid(entry, "has no function setup");
  return {
    ...(plugin as AnyPlugin),
    async setup(ctx, options) {
      try {
        await setup.call(plugin, ctx, options);
      } catch (error) {
        if (error instanceof MigrationError) throw error;
        throw invalid(entry, `threw in its setup, ${firstLine(error)}`, error);
      }
    },
  };
}

/** What looks like a path is one; anything else is a package. */
function isPath(entry: string): boolean {
  return isAbsolute(entry) || /^\.{1,2}[/\\]|\.[cm]?[jt]s$/.test(entry);
}

/** The URL to import. */
function locate(entry: string, folder: string): string {
  if (isPath(entry)) return pathToFileURL(resolve(folder, entry)).href;
  return resolveModuleURL(entry, { from: pathToFileURL(join(folder, "/")), conditions: CONDITIONS });
}

function firstLine(error: unknown): string {
  // A syntax error's own text has the place in it; a stack of ours says nothing.
  return toMigrationError(error).message.split("\n")[0]!;
}

function invalid(entry: string, what: string, cause?: unknown, more = ""): MigrationError {
  return new MigrationError("PLUGIN_INVALID", `plugin ${entry} ${what}`, {
    ...(cause !== undefined && { cause }),
    hint: `correct it, or take it out of plugins; nothing was touched${more}`,
  });
}
